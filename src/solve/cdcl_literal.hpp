// The small types of the search. Internal to solve/.
#pragma once

#include <compare>
#include <cstdint>

namespace envbuild::solve {

// A variable or its negation.
class Literal {
  public:
    Literal() = default;
    [[nodiscard]] static Literal yes(int variable) { return Literal(variable * 2); }
    [[nodiscard]] static Literal no(int variable) { return Literal(variable * 2 + 1); }
    [[nodiscard]] int variable() const { return code_ / 2; }
    [[nodiscard]] bool negated() const { return (code_ & 1) != 0; }
    [[nodiscard]] int code() const { return code_; }  // dense, for tables
    [[nodiscard]] bool valid() const { return code_ >= 0; }
    [[nodiscard]] Literal operator~() const { return Literal(code_ ^ 1); }
    auto operator<=>(const Literal&) const = default;

  private:
    explicit Literal(int code) : code_(code) {}
    int code_ = -1;
};

enum class Truth : std::uint8_t { Open, Yes, No };

// Why a literal holds: another literal that implies it, a clause of which all others are false, a Need of which all
// other packages are out, or none of these (a decision, or a fact).
struct Antecedent {
    Literal cause;
    int clause = -1;
    int need = -1;  // a set
    [[nodiscard]] bool exists() const { return cause.valid() || clause >= 0 || need >= 0; }
};

}  // namespace envbuild::solve
