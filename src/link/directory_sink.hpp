// Writes entries into a directory of this machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
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
    explicit DirectorySink(std::filesystem::path root);

    void directory(const std::string& path, std::uint32_t mode, std::int64_t mtime) override;
    void file(const std::string& path, std::uint32_t mode, std::int64_t mtime, std::uint64_t size,
              conda::ContentReader& content) override;
    void symlink(const std::string& path, const std::string& target, std::int64_t mtime) override;
    void hardlink(const std::string& path, const std::string& target) override;

    // Sets the mtime of every directory that was given; call it after the last entry.
    void finish();

  private:
    using Folder = std::shared_ptr<const UniqueFd>;
    struct Place {
        Folder folder;
        std::string name;
    };
    [[nodiscard]] Folder open_folder(const std::string& path);  // "" is the root
    [[nodiscard]] Place place_of(const std::string& path);
    [[noreturn]] void fail(const std::string& path, std::string_view what, int code) const;

    std::filesystem::path root_;
    std::mutex mutex_;
    std::map<std::string, Folder> open_;  // a few folders kept open: packages bring many files of one folder in a row
    std::map<std::string, std::int64_t> directories_;
};

}  // namespace envbuild::link
