#include "layer/context_stream.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/strings.hpp"
#include "layer/tar_entry.hpp"

namespace envbuild::layer {

namespace {

void check_path(const std::string& path) {
    for (const auto part : split(path, '/')) {
        if (part.empty() || part == "." || part == "..") {
            throw Error(ErrorKind::InvalidInput, fmt::format("'{}' is no proper path in a build context", path));
        }
    }
}

std::uint64_t regular_file_size(const std::filesystem::path& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) throw_errno("read", path);
    if (!S_ISREG(status.st_mode)) throw Error(ErrorKind::Io, fmt::format("{} is not a regular file", path.string()));
    return static_cast<std::uint64_t>(status.st_size);
}

// Folders come right before what is in them because '/' sorts before all that a name may go on with.
bool path_less(std::string_view a, std::string_view b) {
    return std::ranges::lexicographical_compare(a, b, [](char x, char y) {
        const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c) + 1; };
        return rank(x) < rank(y);
    });
}

}  // namespace

ContextStream::Item ContextStream::item_of(const ContextFile& file, std::int64_t mtime) {
    if (file.kind == ContextFile::Kind::Folder) {
        return {tar_header({.path = file.path,
                            .type = TarEntry::Type::Directory,
                            .mode = 0755,
                            .link_target = {},
                            .mtime = mtime}),
                {},
                0};
    }
    if (file.kind == ContextFile::Kind::Symlink) {
        return {tar_header({.path = file.path,
                            .type = TarEntry::Type::Symlink,
                            .mode = 0777,
                            .link_target = file.bytes,
                            .mtime = mtime}),
                {},
                0};
    }
    const std::uint64_t size = file.file.empty() ? file.bytes.size() : regular_file_size(file.file);
    Item item{tar_header({.path = file.path, .mode = file.mode, .size = size, .link_target = {}, .mtime = mtime}),
              file.file, 0};
    if (file.file.empty()) {
        item.header += file.bytes;
        item.header.append(tar_padding(size), '\0');
    } else {
        item.size = size;
    }
    return item;
}

ContextStream::ContextStream(std::vector<ContextFile> files, std::int64_t mtime) {
    std::ranges::stable_sort(files, path_less, &ContextFile::path);
    std::set<std::string, std::less<>> folders;
    const auto add_folder = [&](const std::string& path) {
        if (folders.insert(path).second)
            items_.push_back(
                item_of({.path = path, .bytes = {}, .file = {}, .kind = ContextFile::Kind::Folder}, mtime));
    };
    std::string previous;  // that is no folder
    for (const ContextFile& file : files) {
        check_path(file.path);
        if (file.path == previous)
            throw Error(ErrorKind::InvalidInput, fmt::format("the build context has '{}' twice", file.path));
        if ((!previous.empty() && file.path.starts_with(previous + "/")) ||
            (file.kind != ContextFile::Kind::Folder && folders.contains(file.path))) {
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("the build context has '{}' as a file and as a folder",
                                    file.path.starts_with(previous + "/") ? previous : file.path));
        }
        for (auto slash = file.path.find('/'); slash != std::string::npos; slash = file.path.find('/', slash + 1)) {
            add_folder(file.path.substr(0, slash));
        }
        if (file.kind == ContextFile::Kind::Folder) {
            add_folder(file.path);
        } else {
            items_.push_back(item_of(file, mtime));
            previous = file.path;
        }
    }
    items_.push_back({std::string(kTarEndSize, '\0'), {}, 0});
    for (const Item& item : items_) total_ += item.header.size() + item.size + tar_padding(item.size);
}

bool ContextStream::rewind() {
    index_ = header_sent_ = 0;
    file_sent_ = 0;
    fd_.reset();
    return true;
}

void ContextStream::open_file() {
    const auto& item = items_[index_];
    if (regular_file_size(item.file) != item.size) {
        throw Error(ErrorKind::Io, fmt::format("{} changed while the build context was sent", item.file.string()));
    }
    fd_ = UniqueFd(::open(item.file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd_) throw_errno("read", item.file);
}

std::size_t ContextStream::read(char* buffer, std::size_t size) {
    std::size_t filled = 0;
    while (filled < size && index_ < items_.size()) {
        const Item& item = items_[index_];
        if (header_sent_ < item.header.size()) {
            const auto part = std::min(size - filled, item.header.size() - header_sent_);
            std::memcpy(buffer + filled, item.header.data() + header_sent_, part);
            header_sent_ += part;
            filled += part;
        } else if (file_sent_ < item.size) {
            if (!fd_) open_file();
            const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(size - filled, item.size - file_sent_));
            const ssize_t got = ::read(fd_.get(), buffer + filled, want);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) throw_errno("read", item.file);
            if (got == 0)
                throw Error(ErrorKind::Io,
                            fmt::format("{} became shorter while the build context was sent", item.file.string()));
            file_sent_ += static_cast<std::uint64_t>(got);
            filled += static_cast<std::size_t>(got);
        } else if (file_sent_ < item.size + tar_padding(item.size)) {
            const auto left = item.size + tar_padding(item.size) - file_sent_;
            const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(size - filled, left));
            std::memset(buffer + filled, 0, part);
            file_sent_ += part;
            filled += part;
        } else {
            fd_.reset();
            ++index_;
            header_sent_ = 0;
            file_sent_ = 0;
        }
    }
    return filled;
}

}  // namespace envbuild::layer
