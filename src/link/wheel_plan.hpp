// From wheels to files beside the conda packages of an environment: decided in whole before anything is written.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "link/link_plan.hpp"
#include "link/wheel_files.hpp"

namespace envbuild::link {

// A wheel with its archive, whose sha256 is the caller's to check.
struct WheelSource {
    LinkWheel wheel;
    WheelArchive archive;
    bool keep_times = true;  // false for what was built here: its times tell when
};

// The wheels of an environment. No wheel replaces what conda has put there, unless it is the same file; of two wheels
// that bring one path the first has it, with a warning where they differ: by name, which is pip's order for what does
// not need each other (it installs those from the last to the first). Immutable and thread-safe after
// make().
class WheelPlan {
  public:
    // Reads every wheel's .dist-info (in parallel on `threads`). Corrupt as read_wheel() and WheelArchive::open(), and
    // for two wheels of one project. InvalidInput, naming both owners, where a path is a conda package's
    // with other content, or is a file for one and a folder for the other, or where a conda package has installed the
    // project; and where the environment has no Python.
    [[nodiscard]] static WheelPlan make(const LinkPlan& conda, std::vector<WheelSource> wheels,
                                        std::size_t threads = 0);

    [[nodiscard]] std::size_t size() const { return wheels_.size(); }
    [[nodiscard]] const LinkWheel& wheel(std::size_t index) const { return wheels_.at(index).source.wheel; }
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

    // The work in pieces of some megabytes, the largest first; a file is in one piece. Pieces may be emitted at the
    // same time when the sink allows it, and are together all files but the RECORDs. Content streams from archive to
    // sink, and is Corrupt where it differs from RECORD: the error names wheel and file.
    [[nodiscard]] std::size_t pieces() const { return pieces_.size(); }
    void emit(std::size_t piece, TreeSink& sink) const;

    // The .py files in site-packages that are to be compiled, sorted: a wheel's own .pyc stays instead.
    [[nodiscard]] std::vector<std::string> python_sources() const;
    // Calls with each file of the archives, and the time that it has.
    void for_each_timed(const std::function<void(const std::string& path, std::int64_t mtime)>& call) const;
    // Each wheel's RECORD. It lists, as pip's does, the .pyc of those sources of which `compiled` says so, with neither
    // hash nor size.
    void emit_records(const std::function<bool(const std::string& source)>& compiled, TreeSink& sink) const;

  private:
    struct Planned {
        WheelSource source;
        WheelFiles content;
        std::vector<bool> owned;           // by number in content.files: it is this wheel that writes it
        std::vector<std::string> sources;  // to be compiled
    };
    struct Piece {
        std::size_t wheel = 0, begin = 0, end = 0;  // of content.files
        std::uint64_t bytes = 0;
    };
    struct Place {
        std::size_t wheel = 0, file = 0;
    };

    WheelPlan() = default;
    void check_projects(const LinkPlan& conda) const;
    void claim(std::size_t wheel, const LinkPlan& conda);
    void check_folders(const LinkPlan& conda) const;
    void find_sources(Planned& planned) const;
    void cut();

    LinkTarget target_;
    std::vector<Planned> wheels_;
    std::unordered_map<std::string, Place> owners_;
    std::vector<Piece> pieces_;
    std::vector<std::string> warnings_;
};

}  // namespace envbuild::link
