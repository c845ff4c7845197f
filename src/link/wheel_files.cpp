#include "link/wheel_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/shown.hpp"
#include "base/strings.hpp"
#include "conda/paths_json.hpp"
#include "link/entry_point.hpp"
#include "link/wheel_info.hpp"
#include "link/wheel_name.hpp"

namespace envbuild::link {

namespace {

constexpr std::uint64_t kMaxMetadata = std::uint64_t{16} << 20;
constexpr std::uint64_t kMaxRecord = std::uint64_t{256} << 20;
constexpr std::uint64_t kMaxScript = std::uint64_t{16} << 20;
constexpr std::string_view kInfoEnding = ".dist-info", kDataEnding = ".data";
constexpr std::array<std::string_view, 3> kUnrecorded{"RECORD", "RECORD.jws", "RECORD.p7s"};
constexpr std::array<std::string_view, 3> kInstallersOwn{"INSTALLER", "REQUESTED", "direct_url.json"};

using Member = WheelArchive::Member;

class WheelReader {
  public:
    WheelReader(const LinkWheel& wheel, const WheelArchive& archive, const LinkTarget& target, bool keep_times)
        : wheel_(wheel), archive_(archive), target_(target), keep_times_(keep_times) {}

    WheelFiles read() {
        find_info();
        check_record();
        check(check_wheel_file(text_of("WHEEL")));
        const auto names = check(parse_project_names(text_of("METADATA")));
        if (normalized_project(names.name) != wheel_.name || !same_version(names.version, wheel_.version))
            corrupt(fmt::format("its METADATA is that of {} {}", shown(names.name), shown(names.version)));
        if (archive_.find(info_ + "/entry_points.txt") != nullptr)
            points_ = check(parse_entry_points(text_of("entry_points.txt")));
        out_.info_folder = target_.site_packages_dir() + "/" + info_;
        for (std::size_t i = 0; i < archive_.members().size(); ++i) place(i);
        for (const auto& point : points_) generate("bin/" + point.command, wheel_script(target_, point), 0755);
        generate(out_.info_folder + "/INSTALLER", "envbuild\n");
        if (wheel_.requested) generate(out_.info_folder + "/REQUESTED", "");
        if (!wheel_.direct_url.empty()) generate(out_.info_folder + "/direct_url.json", wheel_.direct_url);
        return std::move(out_);
    }

  private:
    [[noreturn]] void corrupt(const std::string& why) const {
        throw Error(ErrorKind::Corrupt, fmt::format("wheel {}: {}", wheel_.file_name, why));
    }
    void check(const Expected<void>& good) const {
        if (!good) corrupt(good.error().message());
    }
    template <class T>
    T check(Expected<T> value) const {
        if (!value) corrupt(value.error().message());
        return std::move(*value);
    }

    void find_info() {
        const auto name = check(WheelName::parse(wheel_.file_name));
        if (name.project != wheel_.name || !same_version(name.version, wheel_.version))
            corrupt(fmt::format("it is to be {} {}", wheel_.name, wheel_.version));
        for (const auto& member : archive_.members()) {
            const std::string_view path = member.entry.path;
            const auto slash = path.find('/');
            const auto top = path.substr(0, slash);
            if (slash == std::string_view::npos || !top.ends_with(kInfoEnding) || top == info_) continue;
            if (!info_.empty()) corrupt(fmt::format("it holds both {} and {}", shown(info_), shown(top)));
            info_ = top;
        }
        if (info_.empty()) corrupt("it holds no .dist-info folder");
        // The version has no dash in it: dashes were escaped.
        const auto stem = std::string_view(info_).substr(0, info_.size() - kInfoEnding.size());
        const auto dash = stem.rfind('-');
        if (dash == std::string_view::npos || normalized_project(stem.substr(0, dash)) != wheel_.name ||
            !same_version(stem.substr(dash + 1), wheel_.version)) {
            corrupt(
                fmt::format("its metadata is in {}, which is not {} {}", shown(info_), wheel_.name, wheel_.version));
        }
    }

    [[nodiscard]] bool is_one_of(std::string_view path, const std::array<std::string_view, 3>& names) const {
        return path.size() > info_.size() + 1 && path.starts_with(info_) && path[info_.size()] == '/' &&
               std::ranges::find(names, path.substr(info_.size() + 1)) != names.end();
    }

    // The text of a file below .dist-info, as RECORD has it.
    [[nodiscard]] std::string text_of(const std::string& name, std::uint64_t limit = kMaxMetadata) const {
        const Member* member = archive_.find(info_ + "/" + name);
        if (member == nullptr) corrupt(fmt::format("it has no {}", name));
        return read_checked(*member, limit);
    }
    [[nodiscard]] std::string read_checked(const Member& member, std::uint64_t limit) const {
        std::string text = archive_.read(member, limit);
        const auto row = rows_.find(member.entry.path);
        if (row == rows_.end()) return text;  // RECORD itself
        Sha256 hash;
        hash.update(text);
        if (row->second.sha256 != hash.finish()) corrupt(wheel_file_differs(member.entry.path));
        return text;
    }

    void check_record() {
        for (auto& row :
             check(parse_record(text_of("RECORD", kMaxRecord), archive_.members().size() + kUnrecorded.size()))) {
            std::string path = row.path;
            rows_.emplace(std::move(path), std::move(row));
        }
        for (const auto& member : archive_.members()) {
            const std::string& path = member.entry.path;
            if (is_one_of(path, kUnrecorded)) {
                rows_.erase(path);
                continue;
            }
            const auto row = rows_.find(path);
            if (row == rows_.end()) corrupt(fmt::format("'{}' is not in its RECORD", shown(path)));
            if (!row->second.sha256) corrupt(fmt::format("its RECORD gives no sha256 of '{}'", shown(path)));
            if (row->second.size && *row->second.size != member.entry.size) {
                corrupt(fmt::format("'{}' has {} bytes, and its RECORD says {}", shown(path), member.entry.size,
                                    *row->second.size));
            }
        }
        for (const auto& [path, row] : rows_) {
            if (archive_.find(path) == nullptr && !is_one_of(path, kUnrecorded))
                corrupt(fmt::format("its RECORD names '{}', which it does not hold", shown(path)));
        }
    }

    void place(std::size_t number) {
        const Member& member = archive_.members()[number];
        const std::string& path = member.entry.path;
        if (is_one_of(path, kUnrecorded) || is_one_of(path, kInstallersOwn)) return;
        WheelFile file;
        file.member = number;
        file.sha256 = *rows_.at(path).sha256;
        file.size = member.entry.size;
        file.mode = member.executable ? 0755 : 0644;
        file.mtime = keep_times_ && member.entry.mtime > 0 ? member.entry.mtime : target_.epoch;
        file.path = target_.site_packages_dir() + "/" + path;
        const auto top = path.find('/');
        if (top != std::string::npos && std::string_view(path).substr(0, top).ends_with(kDataEnding)) {
            const auto slash = path.find('/', top + 1);
            const auto scheme = path.substr(top + 1, slash == std::string::npos ? slash : slash - top - 1);
            if (slash == std::string::npos) corrupt(fmt::format("'{}' is in no scheme's folder", shown(path)));
            const std::string rest = path.substr(slash + 1);
            if (scheme == "scripts" && is_entry_point(rest)) return;
            file.path = scheme_folder(scheme, path) + rest;
            if (scheme == "scripts") become_script(member, file);
        }
        add(std::move(file));
    }

    [[nodiscard]] std::string scheme_folder(const std::string& scheme, const std::string& path) const {
        if (scheme == "purelib" || scheme == "platlib") return target_.site_packages_dir() + "/";
        if (scheme == "scripts") return "bin/";
        if (scheme == "headers") return fmt::format("{}/{}/", target_.headers_dir(), wheel_.name);
        if (scheme == "data") return "";
        corrupt(fmt::format("'{}' is for the unknown scheme '{}'", shown(path), shown(scheme)));
    }

    // setuptools packed its own wrappers of entry points too.
    [[nodiscard]] bool is_entry_point(std::string_view name) const {
        for (const std::string_view ending : {".exe", "-script.py", ".pya"}) {
            if (to_lower(name).ends_with(ending)) {
                name.remove_suffix(ending.size());
                break;
            }
        }
        return std::ranges::find(points_, name, &conda::EntryPoint::command) != points_.end();
    }

    void become_script(const Member& member, WheelFile& file) const {
        constexpr std::string_view kPython = "#!python";
        file.mode = 0755;
        std::string head(kPython.size(), '\0');
        const auto reader = archive_.stream(member);
        std::size_t got = 0;
        while (got < head.size()) {
            const std::size_t more = reader->read(std::span(head).subspan(got));
            if (more == 0) return;
            got += more;
        }
        if (head != kPython) return;
        std::string text = read_checked(member, kMaxScript);
        text.replace(0, std::min(text.find('\n'), text.size() - 1) + 1, python_shebang(target_));
        set_text(file, std::move(text));
    }

    void set_text(WheelFile& file, std::string text) const {
        Sha256 hash;
        hash.update(text);
        file.sha256 = hash.finish();
        file.size = text.size();
        file.text = std::move(text);
        file.member.reset();
        file.mtime = target_.epoch;
    }

    void generate(std::string path, std::string text, std::uint32_t mode = 0644) {
        WheelFile file;
        file.path = std::move(path);
        file.mode = mode;
        set_text(file, std::move(text));
        add(std::move(file));
    }

    void add(WheelFile file) {
        if (const auto reason = conda::bad_path_reason(file.path))
            corrupt(fmt::format("what becomes '{}' {}", shown(file.path), *reason));
        if (file.path == "conda-meta" || file.path.starts_with("conda-meta/"))
            corrupt(fmt::format("it brings {}, which is the environment's own", shown(file.path)));
        if (file.path == out_.record_path()) corrupt("two of its files become its RECORD");
        const auto [place, fresh] = known_.try_emplace(file.path, out_.files.size());
        if (fresh) {
            out_.files.push_back(std::move(file));
        } else if (out_.files[place->second].sha256 != file.sha256) {
            corrupt(fmt::format("two of its files become {}", shown(file.path)));
        }
    }

    const LinkWheel& wheel_;
    const WheelArchive& archive_;
    const LinkTarget& target_;
    bool keep_times_;
    std::string info_;  // the .dist-info folder in the archive
    std::unordered_map<std::string, RecordRow> rows_;
    std::vector<conda::EntryPoint> points_;
    std::unordered_map<std::string, std::size_t> known_;
    WheelFiles out_;
};

}  // namespace

std::string wheel_file_differs(std::string_view path) {
    return fmt::format("'{}' has another sha256 than its RECORD says", shown(path));
}

WheelFiles read_wheel(const LinkWheel& wheel, const WheelArchive& archive, const LinkTarget& target, bool keep_times) {
    return WheelReader(wheel, archive, target, keep_times).read();
}

}  // namespace envbuild::link
