// A JSON value (RFC 8259) with a deterministic writer and the canonical form that all keys are hashed over (RFC 8785).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"

namespace envbuild {

// A value type. Objects keep the order in which members were added (dump writes that order; canonical sorts).
// Thread-safe to read. Meant for documents of up to some megabytes: repodata is read in conda/, record by record.
class Json {
  public:
    using Array = std::vector<Json>;
    using Object = std::vector<std::pair<std::string, Json>>;

    Json() = default;
    Json(std::nullptr_t) {}
    Json(bool value) : value_(value) {}
    Json(int value) : value_(static_cast<std::int64_t>(value)) {}
    Json(std::int64_t value) : value_(value) {}
    Json(std::uint64_t value) : value_(static_cast<std::int64_t>(value)) {}
    Json(double value) : value_(value) {}
    Json(const char* value) : value_(std::string(value)) {}
    Json(std::string value) : value_(std::move(value)) {}
    Json(std::string_view value) : value_(std::string(value)) {}
    Json(Array value) : value_(std::move(value)) {}
    Json(Object value) : value_(std::move(value)) {}
    Json(const std::vector<std::string>& strings);

    [[nodiscard]] static Json object() { return Json(Object{}); }
    [[nodiscard]] static Json array() { return Json(Array{}); }

    // Strict JSON, UTF-8, depth capped at 256; Corrupt with the parser's reason otherwise. A repeated key keeps its
    // last value.
    [[nodiscard]] static Expected<Json> parse(std::string_view text);

    [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
    [[nodiscard]] bool is_bool() const { return std::holds_alternative<bool>(value_); }
    [[nodiscard]] bool is_int() const { return std::holds_alternative<std::int64_t>(value_); }
    [[nodiscard]] bool is_number() const { return is_int() || std::holds_alternative<double>(value_); }
    [[nodiscard]] bool is_string() const { return std::holds_alternative<std::string>(value_); }
    [[nodiscard]] bool is_array() const { return std::holds_alternative<Array>(value_); }
    [[nodiscard]] bool is_object() const { return std::holds_alternative<Object>(value_); }

    // Typed access; throws Error(Corrupt) that names the expected type where the value has another.
    [[nodiscard]] bool as_bool() const;
    [[nodiscard]] std::int64_t as_int() const;
    [[nodiscard]] double as_double() const;
    [[nodiscard]] const std::string& as_string() const;
    [[nodiscard]] const Array& as_array() const;
    [[nodiscard]] const Object& as_object() const;

    // Look-ups that never throw: null / the fallback where the member is absent or of another type.
    [[nodiscard]] const Json* find(std::string_view key) const;
    [[nodiscard]] const Json& operator[](std::string_view key) const;
    [[nodiscard]] std::string string_or(std::string_view key, std::string_view fallback) const;
    [[nodiscard]] std::int64_t int_or(std::string_view key, std::int64_t fallback) const;
    [[nodiscard]] bool bool_or(std::string_view key, bool fallback) const;

    // Builders. set() replaces an existing member; both turn null into the container.
    Json& set(std::string key, Json value);
    Json& push(Json value);

    // Compact for indent 0, else one member a line. Non-ASCII is written as UTF-8.
    [[nodiscard]] std::string dump(int indent = 0) const;
    // RFC 8785: members sorted by UTF-16 code units, shortest number form, no space. Equal values give equal bytes.
    // InvalidInput for an integer beyond 2^53, which RFC 8785 cannot tell from its neighbours.
    [[nodiscard]] std::string canonical() const;

    bool operator==(const Json&) const = default;

  private:
    std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

// The string as a JSON string literal with its quotes.
[[nodiscard]] std::string json_quote(std::string_view text);

}  // namespace envbuild
