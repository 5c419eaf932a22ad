# SPDX-License-Identifier: GPL-2.0-or-later
# The warnings and hardening every object of vmm is built with.
add_library(vmm_flags INTERFACE)
target_compile_options(vmm_flags INTERFACE
    -Werror -Wall -Wextra -Wconversion -Wshadow -Wcast-qual -Wformat=2
    -Wswitch-enum -Wimplicit-fallthrough -Wundef -Wvla -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wpointer-arith
    -fno-strict-aliasing -fstack-protector-strong -fno-common -g
    -ffunction-sections -fdata-sections
    # What a BUG says of its place is the same wherever vmm was built.
    -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
# KVM's ioctl structures end in a flexible array that we place entries behind.
if(CMAKE_C_COMPILER_ID MATCHES Clang)
    target_compile_options(vmm_flags INTERFACE
        -Wno-gnu-variable-sized-type-not-at-end)
endif()
target_compile_definitions(vmm_flags INTERFACE _GNU_SOURCE
    VMM_VERSION="${PROJECT_VERSION}")
target_link_options(vmm_flags INTERFACE -Wl,--gc-sections)
target_include_directories(vmm_flags INTERFACE ${PROJECT_SOURCE_DIR}/include)

if(VMM_SANITIZE)
    target_compile_options(vmm_flags INTERFACE
        -fsanitize=address,undefined -fno-sanitize-recover=all
        -fno-omit-frame-pointer)
    target_link_options(vmm_flags INTERFACE -fsanitize=address,undefined)
else()
    target_compile_definitions(vmm_flags INTERFACE
        $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
endif()
if(VMM_FUZZ)
    target_compile_options(vmm_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
