// Makes an environment as an install manifest tells: the stages of envbuild-install.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "link/directory_sink.hpp"
#include "link/install_manifest.hpp"
#include "link/link_plan.hpp"
#include "link/wheel_plan.hpp"

namespace envbuild::install {

struct Options {
    std::filesystem::path manifest;
    std::filesystem::path packages;    // the folder that holds every file the manifest names
    std::filesystem::path root = "/";  // the file system that the environment goes into
    std::string prefix;                // "" as the manifest says
    std::size_t threads = 0;           // 0: one a core
    bool verbose = false;
};

// One installation. Writes lines of progress to standard output. A failed one leaves the prefix half made: the stage of
// the image build that runs it is thrown away then.
class Installer {
  public:
    // Reads the manifest: NotFound, InvalidInput.
    explicit Installer(Options options);

    // Corrupt: a file differs from its sha256, or a package from its metadata. InvalidInput: what cannot be in one
    // prefix. BuildFailed: a script, the compiler or pip failed. Io: the disk, or something is already at the prefix.
    void run();

  private:
    void check_files() const;
    void link();
    void run_post_link();
    void compile(const std::vector<std::string>& sources);
    [[nodiscard]] std::vector<link::LinkWheel> build_sources();
    [[nodiscard]] std::vector<link::LinkWheel> built_wheels() const;
    void link_wheels(const std::vector<link::LinkWheel>& built);
    void write_metadata();
    void finish();

    [[nodiscard]] std::filesystem::path on_disk(const std::string& path) const;  // of a path in the prefix
    [[nodiscard]] std::string python() const;                                    // within the root
    [[nodiscard]] std::map<std::string, std::string> environment() const;
    [[nodiscard]] std::string find_shell() const;
    void say(const std::string& line) const;
    void warn(const std::string& line) const;

    Options options_;
    link::InstallManifest manifest_;
    std::string prefix_;
    std::unique_ptr<link::LinkPlan> plan_;
    std::unique_ptr<link::DirectorySink> sink_;
    std::unique_ptr<link::WheelPlan> wheels_;
    std::vector<link::LinkedPackage> linked_;
    std::set<std::string> from_archives_;  // paths in the prefix whose times are the conda archives'
    // A wheel's clock has no time zone: its times may be later than now, and are known one by one.
    std::unordered_map<std::string, std::int64_t> wheel_times_;
    std::int64_t started_ = 0;
};

}  // namespace envbuild::install
