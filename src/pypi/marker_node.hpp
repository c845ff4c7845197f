// The tree of a parsed marker. Internal to pypi/: for its parser and its evaluation.
#pragma once

#include <string>
#include <vector>

#include "pypi/marker.hpp"

namespace envbuild::pypi {

struct Marker::Node {
    enum class Kind : std::uint8_t { And, Or, Compare };
    struct Value {
        std::string text;  // a variable's name as PEP 508 has it, or a literal as it is between its quotes
        bool variable = false;
    };
    Kind kind = Kind::Compare;
    std::vector<Node> terms;  // of And and Or
    Value left;               // of Compare, with op and right
    std::string op;
    Value right;
};

}  // namespace envbuild::pypi
