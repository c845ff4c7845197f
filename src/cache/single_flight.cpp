#include "cache/single_flight.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "base/json.hpp"

namespace envbuild::cache {

namespace {

using WallClock = std::chrono::system_clock;

constexpr std::chrono::milliseconds kPoll{50};
constexpr std::uint64_t kFileLimit = 1 << 20;

std::int64_t milliseconds(WallClock::time_point time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

ErrorKind kind_named(std::string_view name) {
    for (int i = 0; i <= static_cast<int>(ErrorKind::Bug); ++i) {
        if (to_string(static_cast<ErrorKind>(i)) == name) return static_cast<ErrorKind>(i);
    }
    return ErrorKind::Bug;
}

// What these small files say is for people and for those who wait; one that cannot be read says nothing.
Json read_json(const fs::path& path) {
    try {
        auto json = Json::parse(read_file(path, kFileLimit));
        return json ? std::move(*json) : Json();
    } catch (const Error&) {
        return {};
    }
}

std::string describe_holder(const fs::path& path) {
    const Json holder = read_json(path);
    const auto pid = holder.int_or("pid", 0);
    return pid == 0 ? "another envbuild" : fmt::format("envbuild with process id {}", pid);
}

// The failure of whoever was waited for, where it is one.
std::optional<Error> failure_since(const fs::path& path, WallClock::time_point since) {
    const Json json = read_json(path);
    const auto when = json.int_or("time", 0);
    const auto oldest = std::max(milliseconds(since), milliseconds(WallClock::now() - SingleFlight::kFailureMemory));
    if (when < oldest) return std::nullopt;
    Error error(kind_named(json.string_or("kind", "")), json.string_or("message", ""));
    error.add_context(fmt::format("waiting for process {}, which built the same", json.int_or("pid", 0)));
    return std::move(error).with_hint(json.string_or("hint", "")).with_details(json.string_or("details", ""));
}

}  // namespace

void Lead::fail(const Error& error) {
    if (!lock_) return;
    if (error.kind() != ErrorKind::Cancelled) {
        Json json = Json::object();
        json.set("time", milliseconds(WallClock::now())).set("pid", static_cast<std::int64_t>(::getpid()));
        json.set("kind", to_string(error.kind())).set("message", error.message()).set("hint", error.hint());
        // One that does not fit is left out: those who wait must be able to read the rest.
        if (error.details().size() < kFileLimit / 2) json.set("details", error.details());
        try {
            write_file_atomic(failure_, json.dump());
        } catch (const Error&) {
            // Those who wait then try themselves.
            lock_.reset();
            return;
        }
    }
    lock_.reset();
}

SingleFlight::SingleFlight(std::filesystem::path folder, CancelToken cancel, Reporter& reporter)
    : folder_(std::move(folder)), cancel_(std::move(cancel)), reporter_(reporter) {}

Lead SingleFlight::lead(std::string_view key, std::string_view what) const {
    const bool is_plain = !key.empty() && std::ranges::all_of(key, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (!is_plain) throw Error(ErrorKind::Bug, "a key to build under is lower-case hex");
    const fs::path base = folder_ / key;
    const auto file = [&](const char* suffix) { return fs::path(base.string() + suffix); };
    const auto started = WallClock::now();

    auto lock = FileLock::try_lock(file(".lock"), FileLock::Mode::Exclusive);
    const bool waited = !lock;
    if (waited)
        reporter_.note(fmt::format("{} is being built by {}; waiting for it", what, describe_holder(file(".holder"))));
    while (!lock) {
        cancel_.throw_if_cancelled();
        std::this_thread::sleep_for(kPoll);
        lock = FileLock::try_lock(file(".lock"), FileLock::Mode::Exclusive);
    }
    if (waited) {
        if (auto failure = failure_since(file(".failed"), started)) throw std::move(*failure);
    }
    // A failure is about the build before this one.
    std::error_code ignored;
    fs::remove(file(".failed"), ignored);
    Json holder = Json::object();
    holder.set("pid", static_cast<std::int64_t>(::getpid()))
        .set("what", what)
        .set("since", milliseconds(WallClock::now()));
    write_file_atomic(file(".holder"), holder.dump());
    return Lead(file(".failed"), std::move(*lock), waited);
}

}  // namespace envbuild::cache
