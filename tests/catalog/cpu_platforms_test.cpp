#include "catalog/cpu_platforms.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "base/fs.hpp"

using namespace envbuild;

TEST_CASE("the platform of a CPU is found by its name or how it begins") {
    const auto cpus = catalog::CpuPlatforms::load(std::filesystem::path(ENVBUILD_SOURCE_DIR) / "curated");
    for (const auto* cpu : {"x86_64", "x86_64_v3", "skylake_avx512", "haswell", "zen4"})
        CHECK(cpus.platform_of(cpu) == "linux-64");
    for (const auto* cpu : {"aarch64", "neoverse_n1", "armv8.2a", "a64fx", "m1"})
        CHECK(cpus.platform_of(cpu) == "linux-aarch64");
    CHECK(cpus.platform_of("power9le") == "linux-ppc64le");
    CHECK(cpus.platform_of("power9") == "linux-ppc64");
    for (const auto* cpu : {"", "x86_6", "haswell2", "quantum_1"}) CHECK(cpus.platform_of(cpu).empty());
}

TEST_CASE("a list of CPUs with a slip is refused with its place") {
    const TempDir folder("cpus");
    write_file_atomic(folder.path() / "cpus.yaml", "linux-64: [haswell]\nlinux-128: [big]\n");
    try {
        static_cast<void>(catalog::CpuPlatforms::load(folder.path()));
        FAIL("it was taken");
    } catch (const Error& error) {
        CHECK_THAT(error.message(), Catch::Contains("cpus.yaml:2") && Catch::Contains("linux-128"));
    }
}
