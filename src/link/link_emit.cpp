#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "link/entry_point.hpp"
#include "link/hashing_reader.hpp"
#include "link/link_plan.hpp"
#include "link/prefix_replace.hpp"

namespace envbuild::link {

namespace {

constexpr std::uint64_t kMaxText = std::uint64_t{1} << 30;

[[noreturn]] void corrupt(std::string message) {
    throw Error(ErrorKind::Corrupt, std::move(message));
}

// Everyone can read what the image holds, whoever packed it and whoever runs it; group and others write nothing.
std::uint32_t image_mode(std::uint32_t mode) {
    return (mode & 0755) | 0444 | ((mode & 0100) != 0 ? 0111 : 0);
}

bool same_treatment(const conda::PathRecord& a, const conda::PathRecord& b) {
    return a.prefix_placeholder == b.prefix_placeholder && (a.prefix_placeholder.empty() || a.file_mode == b.file_mode);
}

}  // namespace

class LinkPlan::Emitter {
  public:
    Emitter(const LinkPlan& plan, std::size_t index, TreeSink& sink)
        : plan_(plan), planned_(plan.packages_.at(index)), index_(index), sink_(sink), linked_(paths().size()) {}

    LinkedPackage run() {
        using Part = conda::CondaArchive::Part;
        LinkedPackage result;
        result.warnings = planned_.source.archive.visit(Part::Payload, [&](const auto& entry, auto& content) {
            take(entry, content);
            return true;
        });
        if (!copies_.empty()) {
            (void)planned_.source.archive.visit(Part::Payload, [&](const auto& entry, auto& content) {
                copy(entry, content);
                return true;
            });
        }
        check_all_seen();
        for (auto& path : linked_) {
            if (path) result.paths.push_back(std::move(*path));
        }
        generate(result);
        return result;
    }

  private:
    struct Original {
        std::optional<Digest> sha256;  // of the archive's bytes, where they were read
        bool emitted = false;
    };

    [[nodiscard]] const std::vector<conda::PathRecord>& paths() const { return planned_.info.paths.paths; }

    void take(const conda::ArchiveEntry& entry, conda::ContentReader& content) {
        const auto found = planned_.records.find(entry.path);
        if (entry.kind == conda::EntryKind::Directory) {
            // conda makes the folders that paths.json names; others come with what lies in them.
            if (found == planned_.records.end()) return;
            if (!planned_.info.paths.legacy && paths()[found->second].type != conda::PathType::Directory) {
                corrupt("is a directory, but info/paths.json says otherwise");
            }
            seen_.insert(found->second);
            make_folder(plan_.mapped(planned_, entry.path));
            linked_[found->second] = base_record(found->second);
            return;
        }
        if (found == planned_.records.end()) {
            corrupt(planned_.info.paths.legacy ? "is not in info/files" : "is not in info/paths.json");
        }
        const conda::PathRecord& record = paths()[found->second];
        const bool is_link = entry.kind == conda::EntryKind::Symlink;
        if (!planned_.info.paths.legacy &&
            record.type != (is_link ? conda::PathType::Softlink : conda::PathType::Hardlink)) {
            corrupt(fmt::format("is a {}, but info/paths.json says {}", is_link ? "symlink" : "file",
                                to_string(record.type)));
        }
        seen_.insert(found->second);
        const std::string path = plan_.mapped(planned_, entry.path);
        const bool owned = plan_.owns(index_, path, Origin::Archive);
        switch (entry.kind) {
            case conda::EntryKind::Symlink:
                if (!owned) return;
                make_parents(path);
                sink_.symlink(path, entry.link_target, entry.mtime);
                linked_[found->second] = base_record(found->second);
                linked_[found->second]->path_type = "softlink";
                return;
            case conda::EntryKind::Hardlink:
                take_hardlink(entry, found->second, path, owned);
                return;
            default:
                break;
        }
        Original& original = originals_[entry.path];
        if (record.size && *record.size != entry.size) {
            corrupt(fmt::format("has {} bytes, but info/paths.json says {}", entry.size, *record.size));
        }
        if (!owned) return;
        original.sha256 = write(found->second, path, entry.mode, entry.mtime, entry.size, content);
        original.emitted = true;
    }

    // A hard link whose target is in the prefix just as the link would be, becomes one there; any other becomes a file.
    void take_hardlink(const conda::ArchiveEntry& entry, std::size_t number, const std::string& path, bool owned) {
        if (!owned) return;
        const Original& target = originals_.at(entry.link_target);
        const auto target_number = planned_.records.at(entry.link_target);
        const conda::PathRecord& record = paths()[number];
        if (!target.emitted || !same_treatment(record, paths()[target_number])) {
            copies_[entry.link_target].push_back(number);
            return;
        }
        if (record.sha256 && record.sha256 != target.sha256) corrupt("has another sha256 than info/paths.json says");
        make_parents(path);
        sink_.hardlink(path, plan_.mapped(planned_, entry.link_target));
        LinkedPath linked = base_record(number);
        linked.sha256 = linked_[target_number]->sha256;
        linked.sha256_in_prefix = linked_[target_number]->sha256_in_prefix;
        linked.size = linked_[target_number]->size;
        linked.has_size = true;
        linked_[number] = std::move(linked);
    }

    void copy(const conda::ArchiveEntry& entry, conda::ContentReader& content) {
        const auto found = copies_.find(entry.path);
        if (found == copies_.end()) return;
        const std::string bytes = content.read_all();
        for (const std::size_t number : found->second) {
            conda::StringReader again(bytes);
            (void)write(number, plan_.mapped(planned_, paths()[number].path), entry.mode, entry.mtime, bytes.size(),
                        again);
        }
    }

    // Gives the sink the file with its prefix replaced; the digest of the bytes as the archive has them.
    Digest write(std::size_t number, const std::string& path, std::uint32_t mode, std::int64_t mtime,
                 std::uint64_t size, conda::ContentReader& content) {
        const conda::PathRecord& record = paths()[number];
        make_parents(path);
        LinkedPath linked = base_record(number);
        HashingReader before(content);
        std::optional<Digest> after;
        if (record.prefix_placeholder.empty()) {
            sink_.file(path, image_mode(mode), mtime, size, before);
        } else if (record.file_mode == conda::FileMode::Text) {
            conda::StringReader replaced(
                replace_text_prefix(before.read_all(kMaxText), record.prefix_placeholder, plan_.target_.prefix));
            HashingReader hashed(replaced);
            sink_.file(path, image_mode(mode), mtime, replaced.size(), hashed);
            after = hashed.finish();
        } else {
            const auto replaced =
                value_or_throw(binary_prefix_reader(before, record.prefix_placeholder, plan_.target_.prefix));
            HashingReader hashed(*replaced);
            sink_.file(path, image_mode(mode), mtime, size, hashed);
            after = hashed.finish();
        }
        const Digest original = before.finish();
        if (record.sha256 && *record.sha256 != original) corrupt("has another sha256 than info/paths.json says");
        linked.sha256 = original.hex();
        linked.sha256_in_prefix = after.value_or(original).hex();
        linked.size = size;
        linked.has_size = true;
        linked_[number] = std::move(linked);
        return original;
    }

    [[nodiscard]] LinkedPath base_record(std::size_t number) const {
        const conda::PathRecord& record = paths()[number];
        LinkedPath linked;
        linked.path = plan_.mapped(planned_, record.path);
        linked.path_type = to_string(record.type);
        if (record.sha256) linked.sha256 = record.sha256->hex();
        linked.size = record.size.value_or(0);
        linked.has_size = record.size.has_value();
        if (!record.prefix_placeholder.empty()) {
            linked.prefix_placeholder = record.prefix_placeholder;
            linked.file_mode = to_string(record.file_mode);
        }
        linked.no_link = record.no_link;
        return linked;
    }

    void check_all_seen() const {
        for (std::size_t i = 0; i < paths().size(); ++i) {
            if (seen_.contains(i) || paths()[i].type == conda::PathType::Directory) continue;
            corrupt(fmt::format("package {}: {} is in info/paths.json, but not in the archive",
                                planned_.source.package.file_name, paths()[i].path));
        }
    }

    void make_folder(const std::string& folder) {
        if (!folders_.insert(folder).second) return;
        make_parents(folder);
        sink_.directory(folder, 0755, plan_.target_.epoch);
    }

    void make_parents(const std::string& path) {
        const auto slash = path.rfind('/');
        if (slash != std::string::npos) make_folder(path.substr(0, slash));
    }

    void generate(LinkedPackage& result) {
        if (!planned_.noarch_python) return;
        for (const auto& point : planned_.info.link.entry_points) {
            const std::string path = "bin/" + point.command;
            if (!plan_.owns(index_, path, Origin::Generated)) continue;
            conda::StringReader script(entry_point_script(plan_.target_, point));
            const std::uint64_t size = script.size();
            HashingReader hashed(script);
            make_parents(path);
            sink_.file(path, 0755, plan_.target_.epoch, size, hashed);
            LinkedPath linked;
            linked.path = path;
            linked.path_type = "unix_python_entry_point";
            linked.sha256_in_prefix = hashed.finish().hex();
            linked.size = size;
            linked.has_size = true;
            result.paths.push_back(std::move(linked));
        }
        if (!plan_.target_.record_pyc) return;
        for (const auto& source : plan_.python_sources(index_)) {
            LinkedPath linked;
            linked.path = pyc_path(plan_.target_, source);
            linked.path_type = "pyc_file";
            if (plan_.owns(index_, linked.path, Origin::Generated)) result.paths.push_back(std::move(linked));
        }
    }

    const LinkPlan& plan_;
    const Planned& planned_;
    std::size_t index_;
    TreeSink& sink_;
    std::vector<std::optional<LinkedPath>> linked_;  // by number in paths.json
    std::set<std::size_t> seen_;
    std::set<std::string> folders_;
    std::map<std::string, Original> originals_;               // regular files of the archive
    std::map<std::string, std::vector<std::size_t>> copies_;  // file of the archive -> links to it that become files
};

LinkedPackage LinkPlan::emit(std::size_t index, TreeSink& sink) const {
    try {
        return Emitter(*this, index, sink).run();
    } catch (Error& error) {
        error.add_context(fmt::format("linking {}", package(index).dist_name()));
        throw;
    }
}

}  // namespace envbuild::link
