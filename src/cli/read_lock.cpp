#include "cli/read_lock.hpp"

#include <fmt/format.h>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "lock/conda_lock.hpp"

namespace envbuild::cli {

namespace {
constexpr std::uint64_t kLockLimit = 64ULL << 20;
}

lock::Lock read_lock_file(const std::filesystem::path& file, const std::string& platform) {
    const auto text = read_file(file, kLockLimit);
    if (trim(text).empty()) {
        throw Error(ErrorKind::InvalidInput, fmt::format("{}: the lock file is empty", file.string()))
            .with_hint("make one: envbuild lock FILE -o conda-lock.yml");
    }
    const auto target = platform.empty() ? conda::Platform() : value_or_throw(conda::Platform::parse(platform));
    auto read = value_or_throw(value_or_throw(lock::CondaLockFile::parse(text, file.string())).read(target));
    if (!read.missing.empty()) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{} does not say: {}", file.string(), join(read.missing, ", ")))
            .with_hint(
                "locks made by envbuild lock say it; make one from the environment file that this lock came from");
    }
    if (file.has_parent_path()) read.lock.source_directory = file.parent_path();
    return std::move(read.lock);
}

bool is_lock_file(const std::string& word) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(word, ignored)) return false;
    const auto text = read_file(word, kLockLimit);
    bool metadata = false;
    bool package = false;
    for (const auto line : split(text, '\n')) {
        metadata = metadata || line.starts_with("metadata:");
        package = package || line.starts_with("package:");
    }
    return metadata && package;
}

}  // namespace envbuild::cli
