#include "install/times.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

#include "base/error.hpp"

namespace envbuild::install {

void normalise_times(const std::filesystem::path& folder, std::int64_t epoch, const KeepsTime& keeps) {
    const std::array<timespec, 2> times{timespec{.tv_sec = epoch, .tv_nsec = 0},
                                        timespec{.tv_sec = epoch, .tv_nsec = 0}};
    const auto set = [&](const std::filesystem::path& path) {
        if (::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
            throw Error(ErrorKind::Io, fmt::format("{}: cannot set the time: {}", path.string(),
                                                   std::generic_category().message(errno)));
        }
    };
    std::vector<std::filesystem::path> directories{folder};
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.is_directory() && !entry.is_symlink()) {
            directories.push_back(entry.path());
            continue;
        }
        struct stat status{};
        const bool there = ::lstat(entry.path().c_str(), &status) == 0;
        if (there && keeps(entry.path().lexically_relative(folder).string(), status.st_mtim.tv_sec)) continue;
        set(entry.path());
    }
    for (const auto& directory : directories) set(directory);
}

}  // namespace envbuild::install
