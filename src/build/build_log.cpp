#include "build/build_log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <vector>

#include "base/error.hpp"
#include "base/fs.hpp"

namespace envbuild::build {

namespace {

constexpr std::size_t kKeptLogs = 50;

void remove_old_logs(const std::filesystem::path& folder) {
    std::vector<std::pair<std::filesystem::file_time_type, std::filesystem::path>> logs;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
        logs.emplace_back(entry.last_write_time(ignored), entry.path());
    if (logs.size() <= kKeptLogs) return;
    std::ranges::sort(logs);
    for (std::size_t i = 0; i + kKeptLogs < logs.size(); ++i) std::filesystem::remove(logs[i].second, ignored);
}

}  // namespace

BuildLog::BuildLog(const std::filesystem::path& folder, const std::string& key, Reporter& reporter)
    : reporter_(reporter), progress_(reporter.start("Building in the engine", Reporter::Unit::Steps, 0)) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    // Others may be building the same at this moment: a name that is taken is somebody's.
    const auto name = fmt::format("{}-{:%Y%m%dT%H%M%SZ}-{}", key, fmt::gmtime(std::time(nullptr)), ::getpid());
    constexpr int kTries = 100;
    for (int i = 1; file_ == nullptr && i <= kTries; ++i) {
        path_ = folder / (name + (i == 1 ? "" : fmt::format("-{}", i)) + ".log");
        file_ = std::fopen(path_.c_str(), "wxe");
        if (file_ == nullptr && errno != EEXIST) break;
    }
    if (file_ == nullptr) {
        throw Error(ErrorKind::Io, fmt::format("{}: cannot write the build's log: {}", path_.string(),
                                               std::generic_category().message(errno)));
    }
    remove_old_logs(folder);
}

BuildLog::~BuildLog() {
    std::fclose(file_);
}

void BuildLog::write(std::string_view line) {
    if (std::fwrite(line.data(), 1, line.size(), file_) != line.size() || std::fputc('\n', file_) == EOF)
        throw_errno("write", path_);
}

void BuildLog::add(const docker::BuildEvent& event) {
    using Kind = docker::BuildEvent::Kind;
    switch (event.kind) {
        case Kind::StepBegan:
            write("==> " + event.name);
            if (!event.is_internal) progress_->set_detail(event.name);
            break;
        case Kind::StepCached:
            write("==> " + event.name + " (cached)");
            break;
        case Kind::StepDone:
            if (!event.is_internal) progress_->advance(1);
            break;
        case Kind::StepFailed:
            write("==> failed: " + event.name + ": " + event.text);
            std::fflush(file_);
            break;
        case Kind::Log:
            write(event.text);
            reporter_.log(event.text);
            break;
        case Kind::Progress:
            break;
        case Kind::Warning:
            write("warning: " + event.text);
            reporter_.debug(event.text);
            break;
    }
}

docker::BuildResult BuildLog::follow(const std::function<docker::BuildResult(const docker::OnBuildEvent&)>& build) {
    try {
        return build([this](const docker::BuildEvent& event) { add(event); });
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::BuildFailed) throw;
        throw Error(error).with_hint(fmt::format("the whole log is in {}", path_.string()));
    }
}

}  // namespace envbuild::build
