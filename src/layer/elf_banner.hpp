// What a shared library says of itself: for which machine it is (its ELF header) and, the C library, its version (its
// banner).
#pragma once

#include <string>
#include <string_view>

namespace envbuild::layer {

// OCI's name of the architecture ("amd64", "arm64", "ppc64le", "s390x", "386", "arm", "riscv64"); "" for what is no ELF
// file of one of these.
[[nodiscard]] std::string elf_architecture(std::string_view file);

// "2.35" from "GNU C Library (Ubuntu GLIBC 2.35-0ubuntu3) stable release version 2.35."; "" where there is no such
// banner.
[[nodiscard]] std::string glibc_version_in(std::string_view file);

}  // namespace envbuild::layer
