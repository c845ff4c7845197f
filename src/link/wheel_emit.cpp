#include <fmt/format.h>

#include <unordered_set>

#include "link/entry_point.hpp"
#include "link/hashing_reader.hpp"
#include "link/wheel_plan.hpp"

namespace envbuild::link {

namespace {

// Folders before what lies in them.
class Folders {
  public:
    Folders(TreeSink& sink, std::int64_t mtime) : sink_(sink), mtime_(mtime) {}
    void make_parents(const std::string& path) {
        const auto slash = path.rfind('/');
        if (slash != std::string::npos) make(path.substr(0, slash));
    }

  private:
    void make(const std::string& folder) {
        if (!made_.insert(folder).second) return;
        make_parents(folder);
        sink_.directory(folder, 0755, mtime_);
    }

    TreeSink& sink_;
    std::int64_t mtime_;
    std::unordered_set<std::string> made_;
};

// Of a path in the prefix, seen from site-packages: "../../../bin/x".
std::string recorded_path(const std::string& path, const std::string& folder) {
    if (path.starts_with(folder + "/")) return path.substr(folder.size() + 1);
    return std::filesystem::path(path).lexically_relative(folder).string();
}

}  // namespace

void WheelPlan::emit(std::size_t piece, TreeSink& sink) const {
    const Piece& work = pieces_.at(piece);
    const Planned& planned = wheels_.at(work.wheel);
    const std::string& name = planned.source.wheel.file_name;
    const WheelArchive& archive = planned.source.archive;
    Folders folders(sink, target_.epoch);
    try {
        for (std::size_t i = work.begin; i < work.end; ++i) {
            if (!planned.owned[i]) continue;
            const WheelFile& file = planned.content.files[i];
            folders.make_parents(file.path);
            if (!file.member) {
                conda::StringReader text(file.text);
                sink.file(file.path, file.mode, file.mtime, file.size, text);
                continue;
            }
            const WheelArchive::Member& member = archive.members()[*file.member];
            const auto content = archive.stream(member);
            HashingReader hashed(*content);
            sink.file(file.path, file.mode, file.mtime, file.size, hashed);
            if (hashed.finish() != file.sha256) {
                throw Error(ErrorKind::Corrupt,
                            fmt::format("wheel {}: {}", name, wheel_file_differs(member.entry.path)));
            }
        }
    } catch (Error& error) {
        error.add_context(fmt::format("linking {}", name));
        throw;
    }
}

void WheelPlan::emit_records(const std::function<bool(const std::string&)>& compiled, TreeSink& sink) const {
    const std::string folder = target_.site_packages_dir();
    for (const auto& planned : wheels_) {
        std::vector<RecordRow> rows;
        for (const auto& file : planned.content.files)
            rows.push_back({recorded_path(file.path, folder), file.sha256, file.size});
        for (const auto& source : planned.sources) {
            if (compiled(source)) rows.push_back({recorded_path(pyc_path(target_, source), folder), {}, {}});
        }
        rows.push_back({recorded_path(planned.content.record_path(), folder), {}, {}});
        conda::StringReader text(record_text(std::move(rows)));
        const std::uint64_t size = text.size();
        sink.file(planned.content.record_path(), 0644, target_.epoch, size, text);
    }
}

}  // namespace envbuild::link
