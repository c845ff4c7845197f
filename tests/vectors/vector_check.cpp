// vector_check DIR: runs the vectors in DIR against envbuild's reading of conda's and Python's versions, specs and
// requirements. Lists the first differences of each file and closes with "N passed, N failed"; exit 0 only when all
// pass.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>

#include "base/fs.hpp"
#include "vectors/vectors.hpp"

using namespace envbuild;
using namespace envbuild::vectors;

void Tally::check(bool ok, const std::function<std::string()>& describe) {
    (ok ? passed : failed) += 1;
    if (!ok && failed <= 10) std::cout << "    " << describe() << '\n';
}

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: vector_check DIR\n";
        return 2;
    }
    try {
        Runs runs = conda_runs();
        runs.merge(pypi_runs());
        std::size_t passed = 0, failed = 0;
        for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
            const std::string name = entry.path().filename();
            if (name.ends_with(".json") && !runs.contains(name)) std::cerr << name << ": not run\n";
        }
        for (const auto& [name, run] : runs) {
            Tally tally;
            std::cout << name << '\n';
            run(value_or_throw(Json::parse(read_file(std::filesystem::path(argv[1]) / name))), tally);
            std::cout << fmt::format("    {} passed, {} failed\n", tally.passed, tally.failed);
            passed += tally.passed;
            failed += tally.failed;
        }
        std::cout << fmt::format("{} passed, {} failed\n", passed, failed);
        return failed == 0 && passed > 0 ? 0 : 1;
    } catch (const std::exception& error) {
        std::cerr << "vector_check: " << error.what() << '\n';
        return 1;
    }
}
