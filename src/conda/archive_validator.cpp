#include "conda/archive_validator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "conda/paths_json.hpp"

namespace envbuild::conda {

namespace {

[[noreturn]] void refuse(std::string reason) {
    throw Error(ErrorKind::Corrupt, std::move(reason));
}

std::string_view parent_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

EntryKind kind_of(char type) {
    switch (type) {
        case '0':
            return EntryKind::File;
        case '1':
            return EntryKind::Hardlink;
        case '2':
            return EntryKind::Symlink;
        case '5':
            return EntryKind::Directory;
        case '3':
            refuse("is a character device");
        case '4':
            refuse("is a block device");
        case '6':
            refuse("is a FIFO");
        case 'S':
            refuse("is a sparse file");
        default:
            refuse(fmt::format("is of unknown type {:#04x}", static_cast<unsigned char>(type)));
    }
}

void strip_dot_slash(std::string& path) {
    std::size_t from = 0;
    while (path.compare(from, 2, "./") == 0) from += 2;
    path.erase(0, from);
}

}  // namespace

std::string quoted_name(std::string_view name) {
    std::string text = "'";
    for (std::size_t i = 0; i < name.size() && i < 200; ++i) {
        const auto byte = static_cast<unsigned char>(name[i]);
        if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !is_valid_utf8(name))) {
            text += fmt::format("\\x{:02x}", byte);
        } else {
            text += name[i];
        }
    }
    return text + (name.size() > 200 ? "…'" : "'");
}

std::optional<ArchiveEntry> EntryValidator::check(RawEntry raw) {
    if (++entries_ > limits_.max_entries)
        refuse(fmt::format("the archive has more than {} entries", limits_.max_entries));
    ArchiveEntry entry;
    entry.kind = kind_of(raw.type);
    strip_dot_slash(raw.path);
    if (entry.kind == EntryKind::Directory) {
        if (raw.path.empty() || raw.path == ".") {
            if (raw.size != 0) refuse("is a directory with content");
            return std::nullopt;
        }
        if (raw.path.ends_with('/')) raw.path.pop_back();
    }
    if (const auto reason = bad_path_reason(raw.path)) refuse(*reason);
    if (raw.size > limits_.max_entry) refuse(fmt::format("claims {} bytes", raw.size));

    switch (entry.kind) {
        case EntryKind::File:
            if (!raw.link.empty()) refuse("is a file with a link name");
            break;
        case EntryKind::Directory:
            if (raw.size != 0) refuse("is a directory with content");
            break;
        case EntryKind::Symlink:
            if (raw.size != 0) refuse("is a symlink with content");
            if (raw.link.empty()) refuse("is a symlink to nothing");
            if (raw.link.size() > 4095) refuse("is a symlink to a name over 4095 bytes");
            if (raw.link.find('\0') != std::string::npos) refuse("is a symlink to a name with a NUL");
            if (!is_valid_utf8(raw.link)) refuse("is a symlink to a name that is not UTF-8");
            break;
        case EntryKind::Hardlink: {
            if (raw.size != 0) refuse("is a hard link with content");
            strip_dot_slash(raw.link);
            if (const auto reason = bad_path_reason(raw.link)) {
                refuse(fmt::format("is a hard link to {}, which {}", quoted_name(raw.link), *reason));
            }
            const auto target = known_.find(raw.link);
            if (target == known_.end() || (target->second.kind != EntryKind::File)) {
                refuse(fmt::format("is a hard link to {}, which is no earlier regular file of the archive",
                                   quoted_name(raw.link)));
            }
            break;
        }
    }
    admit(raw.path, entry.kind);

    if ((raw.mode & 06000) != 0) odd("set-id bits were dropped", raw.path);
    if ((raw.mode & 01000) != 0) odd("a sticky bit was dropped", raw.path);
    if (raw.attributes) odd("extended attributes or ACLs were dropped", raw.path);
    entry.path = std::move(raw.path);
    entry.mode = raw.mode & 0777;
    entry.mtime = raw.mtime;
    entry.size = raw.size;
    entry.link_target = std::move(raw.link);
    return entry;
}

void EntryValidator::admit(const std::string& path, EntryKind kind) {
    admit_parents(path);
    const auto [place, fresh] = known_.try_emplace(path, Known{kind, false});
    if (fresh) {
        note_case(path);
        return;
    }
    Known& known = place->second;
    if (known.kind == EntryKind::Directory && kind != EntryKind::Directory)
        refuse("replaces a directory of the archive");
    if (!known.implied) refuse("is in the archive twice");
    known.implied = false;
}

void EntryValidator::admit_parents(const std::string& path) {
    const std::string_view parent = parent_of(path);
    if (parent == last_parent_) return;
    for (std::size_t slash = parent.find('/'); !parent.empty(); slash = parent.find('/', slash + 1)) {
        const std::string folder(parent.substr(0, slash));
        const auto [place, fresh] = known_.try_emplace(folder, Known{EntryKind::Directory, true});
        if (fresh) note_case(folder);
        if (place->second.kind == EntryKind::Symlink) {
            refuse(fmt::format("would be written through the symlink {}", quoted_name(folder)));
        }
        if (place->second.kind != EntryKind::Directory) {
            refuse(fmt::format("lies below {}, which is a file", quoted_name(folder)));
        }
        if (slash == std::string_view::npos) break;
    }
    last_parent_ = parent;
}

void EntryValidator::note_case(std::string_view path) {
    if (!folded_.insert(std::hash<std::string>{}(to_lower(path))).second) {
        odd("its name differs from another one only in case", path);
    }
}

void EntryValidator::odd(std::string_view what, std::string_view path) {
    auto found = std::ranges::find(oddities_, what, &Oddity::what);
    if (found == oddities_.end()) {
        oddities_.push_back({std::string(what), quoted_name(path), 0});
        found = oddities_.end() - 1;
    }
    ++found->count;
}

std::vector<std::string> EntryValidator::warnings() const {
    std::vector<std::string> lines;
    for (const auto& [what, first, count] : oddities_) {
        lines.push_back(count == 1 ? fmt::format("{}: {}", first, what)
                                   : fmt::format("{}: {} (and {} more like it)", first, what, count - 1));
    }
    return lines;
}

}  // namespace envbuild::conda
