#include "cache/single_flight.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <thread>

#include "base/failpoint.hpp"
#include "base/process.hpp"
#include "support/registry_run.hpp"

using namespace envbuild;
using namespace envbuild::cache;
using namespace envbuild::testing;
using namespace std::chrono_literals;

namespace {

const std::string kKey(64, 'a');

// Tells when somebody begins to wait.
class WaitingReporter : public RecordingReporter {
  public:
    void note(std::string_view message) override {
        const std::lock_guard lock(mutex_);
        said_ = message;
        ++waiting_;
    }
    [[nodiscard]] int waiting() const { return waiting_; }
    [[nodiscard]] std::string said() const {
        const std::lock_guard lock(mutex_);
        return said_;
    }

  private:
    mutable std::mutex mutex_;
    std::string said_;
    std::atomic<int> waiting_ = 0;
};

void wait_until(const std::function<bool()>& done) {
    while (!done()) std::this_thread::sleep_for(5ms);
}

}  // namespace

TEST_CASE("of many who want a key one builds, and the others find it built", "[cache]") {
    const TempDir folder("flight");
    WaitingReporter reporter;
    std::atomic<int> builds = 0;
    std::atomic<bool> built = false;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            const SingleFlight flight(folder.path(), {}, reporter);
            const auto lead = flight.lead(kKey, "the environment");
            if (lead.waited() && built) return;
            ++builds;
            // The others come while this one builds.
            wait_until([&] { return reporter.waiting() == 7; });
            built = true;
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(builds == 1);
    CHECK_THAT(reporter.said(), Catch::Contains("the environment") && Catch::Contains("waiting"));
}

TEST_CASE("different keys do not wait for each other", "[cache]") {
    const TempDir folder("flight");
    const SingleFlight flight(folder.path(), {}, silent_reporter());
    const auto first = flight.lead(kKey, "a");
    const auto second = flight.lead(std::string(64, 'b'), "b");
    CHECK_FALSE(second.waited());
}

TEST_CASE("a failure is told to those who wait, and not to who comes later", "[cache]") {
    const TempDir folder("flight");
    WaitingReporter reporter;
    const SingleFlight flight(folder.path(), {}, reporter);
    auto lead = flight.lead(kKey, "x");
    std::atomic<int> told = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            try {
                (void)flight.lead(kKey, "x");
            } catch (const Error& error) {
                if (error.kind() == ErrorKind::Unsatisfiable && error.message() == "numpy and numpy" &&
                    error.hint() == "relax" && error.details() == R"({"specs":[]})")
                    ++told;
            }
        });
    }
    wait_until([&] { return reporter.waiting() == 3; });
    lead.fail(Error(ErrorKind::Unsatisfiable, "numpy and numpy").with_hint("relax").with_details(R"({"specs":[]})"));
    for (auto& thread : threads) thread.join();
    CHECK(told == 3);
    CHECK_FALSE(flight.lead(kKey, "x").waited());
}

TEST_CASE("a cancelled build is taken over by who waits", "[cache]") {
    const TempDir folder("flight");
    WaitingReporter reporter;
    const SingleFlight flight(folder.path(), {}, reporter);
    auto lead = flight.lead(kKey, "x");
    std::atomic<bool> took_over = false;
    std::thread waiter([&] { took_over = flight.lead(kKey, "x").waited(); });
    wait_until([&] { return reporter.waiting() == 1; });
    lead.fail(Error(ErrorKind::Cancelled, "Ctrl-C"));
    waiter.join();
    CHECK(took_over);
}

TEST_CASE("who waits can be cancelled", "[cache]") {
    const TempDir folder("flight");
    WaitingReporter reporter;
    const CancelToken cancel;
    const SingleFlight flight(folder.path(), cancel, reporter);
    const auto lead = flight.lead(kKey, "x");
    std::atomic<int> kind = -1;
    std::thread waiter([&] {
        try {
            (void)flight.lead(kKey, "x");
        } catch (const Error& error) {
            kind = static_cast<int>(error.kind());
        }
    });
    wait_until([&] { return reporter.waiting() == 1; });
    cancel.cancel();
    waiter.join();
    CHECK(kind == static_cast<int>(ErrorKind::Cancelled));
}

TEST_CASE("single flight child", "[.flight-child]") {
    const char* folder = std::getenv("ENVBUILD_TEST_FLIGHT");
    REQUIRE(folder != nullptr);
    const SingleFlight flight(folder, {}, silent_reporter());
    const auto lead = flight.lead(kKey, "the child's");
    failpoint("test.while_building");
}

TEST_CASE("a builder in another process that is killed is taken over", "[cache]") {
    const TempDir folder("flight");
    failpoint("read the variable before it is set");
    ::setenv("ENVBUILD_TEST_FLIGHT", folder.path().c_str(), 1);
    ::setenv("ENVBUILD_FAILPOINTS", "test.while_building=abort", 1);
    const auto self = fs::read_symlink("/proc/self/exe").string();
    const auto result = run_process({self, "single flight child"}, "", 60s, {});
    ::unsetenv("ENVBUILD_FAILPOINTS");
    CHECK(result.exit_code == 128 + SIGKILL);
    CHECK(fs::exists(folder.path() / (kKey + ".holder")));
    const SingleFlight flight(folder.path(), {}, silent_reporter());
    CHECK_FALSE(flight.lead(kKey, "x").waited());
}

TEST_CASE("a key that is no plain name is refused", "[cache]") {
    const TempDir folder("flight");
    const SingleFlight flight(folder.path(), {}, silent_reporter());
    for (const std::string key : {"", "../x", "A", "a/b"})
        CHECK(error_of([&] { (void)flight.lead(key, "x"); }).kind() == ErrorKind::Bug);
}
