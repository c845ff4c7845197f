// How work tells what it does. Libraries report; cli/ decides how it looks (live display, plain lines, JSON, silence).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace envbuild {

// One running piece of work with a known or unknown size. Thread-safe. Ends when destroyed.
class Progress {
  public:
    virtual ~Progress() = default;
    virtual void advance(std::uint64_t amount) = 0;
    virtual void set_total(std::uint64_t total) = 0;  // 0: unknown
    virtual void set_detail(std::string_view detail) = 0;
};

// Thread-safe. All text is one line without a trailing newline and holds no credential.
class Reporter {
  public:
    enum class Unit : std::uint8_t { Bytes, Items, Steps };

    virtual ~Reporter() = default;
    virtual void warn(std::string_view message) = 0;   // the user should know
    virtual void note(std::string_view message) = 0;   // worth a line in a normal run
    virtual void debug(std::string_view message) = 0;  // shown with -v
    virtual void log(std::string_view line) = 0;       // a line of a build's own output
    // Begins a named piece of work ("Downloading packages").
    [[nodiscard]] virtual std::unique_ptr<Progress> start(std::string_view title, Unit unit, std::uint64_t total) = 0;
};

// Says nothing. The default for tests.
[[nodiscard]] Reporter& silent_reporter();

}  // namespace envbuild
