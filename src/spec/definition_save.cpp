#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <set>

#include "base/failpoint.hpp"
#include "base/fs.hpp"
#include "spec/definition.hpp"
#include "spec/definition_files.hpp"

namespace envbuild::spec {

namespace {

constexpr std::chrono::minutes kJustMade{1};  // between its making and its lock
constexpr std::chrono::hours kSurelyOld{24};

[[noreturn]] void fail_with(const std::error_code& code, std::string_view what, const fs::path& path) {
    errno = code.value();
    throw_errno(what, path);
}

void copy_file(const fs::path& from, const fs::path& to, std::uint32_t mode) {
    const UniqueFd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
    if (!source) throw_errno("read", from);
    AtomicFile target(to);
    std::array<char, 1 << 16> block{};
    while (true) {
        const ssize_t got = ::read(source.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw_errno("read", from);
        if (got == 0) break;
        target.write(std::string_view(block.data(), static_cast<std::size_t>(got)));
    }
    target.commit(static_cast<fs::perms>(mode));
}

void place(const PlannedFile& file, const fs::path& target) {
    std::error_code failed;
    const auto folder = file.kind == PlannedFile::Kind::Folder ? target : target.parent_path();
    fs::create_directories(folder, failed);
    if (failed) fail_with(failed, "make the folder", folder);
    switch (file.kind) {
        case PlannedFile::Kind::Bytes:
            write_file_atomic(target, file.bytes, static_cast<fs::perms>(file.mode));
            break;
        case PlannedFile::Kind::Copy:
            copy_file(file.source, target, file.mode);
            break;
        case PlannedFile::Kind::Link:
            fs::create_symlink(file.bytes, target, failed);
            if (failed) fail_with(failed, "make the link", target);
            break;
        case PlannedFile::Kind::Folder:
            break;
    }
}

// The first thing in an existing directory that no definition put there: it would be lost with the rest.
std::optional<std::string> foreign_entry(const fs::path& directory) {
    std::set<std::string> known = {std::string(kDefinitionFile), std::string(kCondaFile), std::string(kDockerfileName)};
    if (fs::exists(directory / kDefinitionFile)) {
        try {
            const auto old = read_definition(directory);
            for (const auto& [path, file] : plan_definition_files(old.definition, directory).files)
                known.insert(path.substr(0, path.find('/')));
            if (!old.definition.base.context.empty() && !old.definition.base.context_is_git())
                known.insert(old.definition.base.context.substr(0, old.definition.base.context.find('/')));
        } catch (const Error&) {
            // A broken definition names nothing for certain.
        }
    }
    std::set<std::string> foreign;
    for (const auto& entry : fs::directory_iterator(directory)) {
        const std::string name = entry.path().filename().string();
        if (!known.contains(name)) foreign.insert(name);
    }
    return foreign.empty() ? std::nullopt : std::optional(*foreign.begin());
}

void check_target(const fs::path& target, bool overwrite) {
    const auto status = fs::symlink_status(target);
    if (!fs::exists(status)) return;
    if (!overwrite) {
        throw Error(ErrorKind::InvalidInput, fmt::format("{} exists already", target.string()))
            .with_hint("name another directory, or say --overwrite");
    }
    if (!fs::is_directory(status))
        throw Error(ErrorKind::InvalidInput, fmt::format("{} is no directory, and is not replaced", target.string()));
    if (const auto foreign = foreign_entry(target)) {
        throw Error(
            ErrorKind::InvalidInput,
            fmt::format("{} holds {}, which is no part of a definition and would be lost", target.string(), *foreign))
            .with_hint("move it away, or name another directory");
    }
}

// `made` becomes `target`. An old directory is swapped out in one step where the file system can.
void put_in_place(const fs::path& made, const fs::path& target, bool overwrite) {
    failpoint("definition.before_rename");
    if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == 0) return;
    const bool unsupported = errno == EINVAL || errno == ENOSYS;
    if (!unsupported && errno != EEXIST && errno != ENOTEMPTY) throw_errno("make the directory", target);
    const bool there = fs::exists(fs::symlink_status(target));
    if (there && !overwrite) {
        throw Error(ErrorKind::InvalidInput, fmt::format("{} exists already", target.string()))
            .with_hint("name another directory, or say --overwrite");
    }
    if (there && ::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) return;
    if (there) {
        const fs::path aside = made.parent_path() / "old";
        if (::rename(target.c_str(), aside.c_str()) != 0) throw_errno("replace", target);
        if (::rename(made.c_str(), target.c_str()) == 0) return;
        const std::error_code failed(errno, std::generic_category());
        ::rename(aside.c_str(), target.c_str());
        fail_with(failed, "replace", target);
    }
    if (::rename(made.c_str(), target.c_str()) != 0) throw_errno("make the directory", target);
}

// Whether the save that made it is gone. Locks on folders are not everywhere (NFS refuses them): a day is enough there.
bool is_left_over(const fs::path& folder) {
    std::error_code failed;
    const auto age = fs::file_time_type::clock::now() - fs::last_write_time(folder, failed);
    if (failed || age < kJustMade) return false;
    const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return false;
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return true;
    return errno != EWOULDBLOCK && age > kSurelyOld;
}

void sweep(const fs::path& folder, const std::string& prefix) {
    constexpr std::string_view kRandom = "-XXXXXX";
    std::error_code failed;
    std::vector<fs::path> old;
    for (const auto& entry : fs::directory_iterator(folder, failed)) {
        const auto name = entry.path().filename().string();
        if (name.starts_with(prefix + "-") && name.size() == prefix.size() + kRandom.size() && is_left_over(entry))
            old.push_back(entry.path());
    }
    for (const auto& path : old) fs::remove_all(path, failed);
}

}  // namespace

void save_definition(const Definition& definition, const std::filesystem::path& source,
                     const std::filesystem::path& target, bool overwrite, const CancelToken& cancel) {
    try {
        fs::path whole = fs::absolute(target).lexically_normal();
        if (!whole.has_filename()) whole = whole.parent_path();
        check_target(whole, overwrite);
        // Everything is listed before a folder is made: the target may lie in what is copied.
        const DefinitionFiles plan = plan_definition_files(definition, source, {}, cancel);
        const std::string prefix = ".tmp-" + whole.filename().string().substr(0, 100);
        sweep(whole.parent_path(), prefix);
        const TempDir work(prefix, whole.parent_path());
        const UniqueFd mark(::open(work.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        // Where the file system has no locks, age alone tells what is in use.
        if (mark) ::flock(mark.get(), LOCK_EX | LOCK_NB);
        const fs::path made = work.path() / "new";
        fs::create_directory(made);
        for (const auto& [path, file] : plan.files) {
            cancel.throw_if_cancelled();
            place(file, made / path);
        }
        write_file_atomic(made / kDefinitionFile, to_json(plan.definition).dump(4) + "\n");
        fsync_directory(made);
        put_in_place(made, whole, overwrite);
        fsync_directory(whole.parent_path());
    } catch (const fs::filesystem_error& error) {
        throw Error(ErrorKind::Io, fmt::format("{}: {}", error.path1().string(), error.code().message()));
    }
}

}  // namespace envbuild::spec
