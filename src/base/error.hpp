// Errors. One type for all of envbuild: what kind it is decides retry and exit code; its text says what, where and what
// next.
#pragma once

#include <cstdint>
#include <exception>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace envbuild {

// The kind alone decides the exit code (docs/exit-codes.md) and whether a retry makes sense (only Transient does).
enum class ErrorKind : std::uint8_t {
    InvalidInput,   // the user's file, option or configuration is wrong
    Unsatisfiable,  // the request is well formed and has no solution
    NotFound,       // something that was named does not exist
    Unauthorized,   // credentials are missing, wrong or do not suffice
    Transient,      // a service (a registry, a channel, the engine) could not be reached or failed in passing
    Corrupt,        // data does not match its hash or its format
    Io,             // this machine failed: disk full, permission
    BuildFailed,    // a step that the user's environment asked for failed
    Cancelled,      // the user or a deadline stopped it
    Bug,            // envbuild broke a promise to itself
};

[[nodiscard]] std::string_view to_string(ErrorKind kind);
[[nodiscard]] int exit_code(ErrorKind kind);

// Thrown by what does work, carried by Expected from what parses. The message has no trailing period or newline and
// never holds a credential. Context frames are added outwards: the innermost comes first.
class Error : public std::exception {
  public:
    Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

    [[nodiscard]] ErrorKind kind() const { return kind_; }
    [[nodiscard]] const std::string& message() const { return message_; }
    [[nodiscard]] const std::vector<std::string>& context() const { return context_; }
    [[nodiscard]] const std::string& hint() const { return hint_; }
    // What the message says, for machines: the text of a JSON object (docs/exit-codes.md). Empty where there is no more
    // to say than the message does.
    [[nodiscard]] const std::string& details() const { return details_; }
    [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

    // "while doing X": what was being done when this happened.
    Error&& with_context(std::string frame) &&;
    // What the user can do next.
    Error&& with_hint(std::string hint) &&;
    Error&& with_details(std::string json) &&;
    Error& add_context(std::string frame) &;

    // The message, its context ("while …") and its hint, a line each.
    [[nodiscard]] std::string to_string() const;

  private:
    ErrorKind kind_;
    std::string message_;
    std::vector<std::string> context_;
    std::string hint_, details_;
};

template <class T>
using Expected = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorKind kind, std::string message) {
    return std::unexpected(Error(kind, std::move(message)));
}

// The value, or the error thrown: the bridge from what parses to what does.
template <class T>
T value_or_throw(Expected<T> expected) {
    if (!expected) throw std::move(expected.error());
    return std::move(*expected);
}

}  // namespace envbuild
