# SPDX-License-Identifier: GPL-2.0-or-later
# A layer is an OBJECT library that can include only what it may see: for
# each layer a view directory holds links to the folders it is allowed to
# include, and nothing else is on its include path.
#
#   vmm_layer(NAME SEES folder... SOURCES file...)
#
# A folder is named as in src/ ("mmu", "devices/backend"); "vcpu/kvm_xen.h"
# style single headers are allowed too.
function(vmm_layer name)
    cmake_parse_arguments(L "" "" "SEES;SOURCES" ${ARGN})
    set(view ${PROJECT_BINARY_DIR}/view/${name})
    file(REMOVE_RECURSE ${view})
    file(MAKE_DIRECTORY ${view})
    foreach(folder IN LISTS L_SEES)
        get_filename_component(parent ${folder} DIRECTORY)
        file(MAKE_DIRECTORY ${view}/${parent})
        file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src/${folder} ${view}/${folder}
             SYMBOLIC)
    endforeach()
    add_library(vmm_${name} OBJECT ${L_SOURCES})
    target_include_directories(vmm_${name} PRIVATE ${view})
    target_link_libraries(vmm_${name} PRIVATE vmm_flags)
    set_target_properties(vmm_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endfunction()
