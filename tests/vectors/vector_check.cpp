// vector_check DIR: runs the vectors in DIR, by their files' names, against envbuild's reading of conda's and Python's
// versions, specs and requirements. Lists the first differences of each file and closes with "N passed, N failed"; exit
// 0 only when all pass. A file that cannot be read, or of a name that is not known, counts as one that failed.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <set>

#include "base/fs.hpp"
#include "vectors/vectors.hpp"

using namespace envbuild;
using namespace envbuild::vectors;

void Tally::check(bool ok, const std::function<std::string()>& describe) {
    (ok ? passed : failed) += 1;
    if (!ok && failed <= 10) std::cout << "    " << describe() << '\n';
}

namespace {

Tally run_file(const std::filesystem::path& file, const Runs& runs) {
    const std::string name = file.filename();
    Tally tally;
    std::cout << name << '\n';
    try {
        const auto run = runs.find(name);
        if (run == runs.end()) throw Error(ErrorKind::InvalidInput, "no check is known for vectors of this name");
        run->second(value_or_throw(Json::parse(read_file(file))), tally);
        if (tally.passed + tally.failed == 0) throw Error(ErrorKind::InvalidInput, "it holds no vectors");
    } catch (const std::exception& error) {
        tally.check(false, [&] { return std::string(error.what()); });
    }
    std::cout << fmt::format("    {} passed, {} failed\n", tally.passed, tally.failed);
    return tally;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: vector_check DIR\n";
        return 2;
    }
    try {
        Runs runs = conda_runs();
        runs.merge(pypi_runs());
        std::size_t passed = 0, failed = 0;
        std::set<std::filesystem::path> files;
        for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
            if (entry.path().extension() == ".json") files.insert(entry.path());
        }
        for (const auto& file : files) {
            const auto tally = run_file(file, runs);
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
