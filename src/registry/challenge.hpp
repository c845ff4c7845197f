// Challenge: what a 401 asks for (WWW-Authenticate, RFC 9110 section 11.6.1; Bearer as in the distribution project's
// token spec).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace envbuild::registry {

struct Challenge {
    std::string scheme;                             // lower case: "bearer", "basic"
    std::map<std::string, std::string> parameters;  // names in lower case: realm, service, scope, error
    bool operator==(const Challenge&) const = default;
};

// All challenges of a header, in order. What cannot be understood is passed over, never an error.
[[nodiscard]] std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace envbuild::registry
