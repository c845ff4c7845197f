// A credential's bytes. It cannot be printed, formatted, compared with a string or put into JSON by accident.
#pragma once

#include <string>
#include <string_view>

namespace envbuild {

class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    ~Secret();
    Secret(const Secret&) = default;
    Secret& operator=(const Secret&) = default;
    Secret(Secret&&) noexcept = default;
    Secret& operator=(Secret&&) noexcept = default;

    // For the wire alone: the caller may not keep, log or hash what it gets.
    [[nodiscard]] std::string_view reveal() const { return value_; }
    [[nodiscard]] bool empty() const { return value_.empty(); }

  private:
    std::string value_;
};

}  // namespace envbuild
