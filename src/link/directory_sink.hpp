// Writes entries into a directory of this machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "base/fs.hpp"
#include "link/tree_sink.hpp"

namespace envbuild::link {

// Every component below `root` is opened with O_NOFOLLOW from its parent's descriptor: nothing is ever written through
// a symlink, and a path that would leave `root` is refused (Error Bug: the plan lets none through). Files are created
// exclusively, so what is already there is never overwritten: Error(Io) that names it. Thread-safe.
class DirectorySink : public TreeSink {
  public:
    // Makes `root` and its parents when missing.
    explicit DirectorySink(const std::filesystem::path& root);

    void directory(const std::string& path, std::uint32_t mode, std::int64_t mtime) override;
    void file(const std::string& path, std::uint32_t mode, std::int64_t mtime, std::uint64_t size,
              conda::ContentReader& content) override;
    void symlink(const std::string& path, const std::string& target, std::int64_t mtime) override;
    void hardlink(const std::string& path, const std::string& target) override;

    // Sets the mtime of every directory that was made or used; call it after the last entry.
    void finish();

  private:
    struct Parent {
        UniqueFd fd;
        std::string name;
    };
    [[nodiscard]] Parent open_parent(const std::string& path);
    [[noreturn]] void fail(const std::string& path, std::string_view what) const;

    std::filesystem::path root_;
    UniqueFd root_fd_;
    std::mutex mutex_;
    std::map<std::string, std::int64_t> directories_;
};

}  // namespace envbuild::link
