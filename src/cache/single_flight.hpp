// SingleFlight: of the processes and threads of one host that want the same key built, one builds and the others wait.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/cancel.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/reporter.hpp"

namespace envbuild::cache {

// The right to build a key. While it lives, nobody else on this host holds it; the kernel frees it when its process
// dies, and whoever waits takes over. Move-only.
class Lead {
  public:
    // Somebody else held it before: look up again before you build.
    [[nodiscard]] bool waited() const { return waited_; }
    // Tells those who wait now that it failed, and gives up the lead. They get the same error instead of trying each in
    // turn; who comes later tries again. A cancelled build is not told: the next one who waits takes over.
    void fail(const Error& error);

  private:
    friend class SingleFlight;
    Lead(std::filesystem::path failure, FileLock lock, bool waited)
        : failure_(std::move(failure)), lock_(std::move(lock)), waited_(waited) {}
    std::filesystem::path failure_;
    std::optional<FileLock> lock_;
    bool waited_;
};

// Thread-safe. Locks are advisory locks on files, so the folder must be on a file system that has them (NFS v4 does).
class SingleFlight {
  public:
    // How long a failure is passed on to those who waited for it.
    static constexpr std::chrono::seconds kFailureMemory{30};

    // `reporter` is borrowed; it is told who is waited for.
    SingleFlight(std::filesystem::path folder, CancelToken cancel, Reporter& reporter);

    // Waits for the lead. Throws Cancelled, and the failure of the builder that was waited for. `key` is hex; `what` is
    // shown to those who wait.
    [[nodiscard]] Lead lead(std::string_view key, std::string_view what) const;

  private:
    std::filesystem::path folder_;
    CancelToken cancel_;
    Reporter& reporter_;
};

}  // namespace envbuild::cache
