// Claims as tests write them.
#pragma once

#include <fmt/format.h>

#include <string>

#include "catalog/claims.hpp"

namespace envbuild::testing {

inline std::string moment(unsigned milliseconds) {
    return fmt::format("2026-11-23T00:00:{:02}.{:03}Z", milliseconds / 1000 % 60, milliseconds % 1000);
}

// Everything but the order in which claims come; the id is another for each distinct claim.
inline catalog::Claim claim(catalog::ClaimKind kind, const std::string& name, std::uint64_t sequence,
                            unsigned milliseconds = 0) {
    catalog::Claim made;
    made.kind = kind;
    made.name = name;
    made.sequence = sequence;
    made.created = moment(milliseconds);
    return made;
}

inline catalog::Claim sealed(catalog::Claim made) {
    made.id = sha256(made.to_json().canonical());
    return made;
}

inline catalog::Claim registers(const std::string& name, std::uint64_t sequence, const std::string& content,
                                const std::string& version = "", unsigned milliseconds = 0) {
    auto made = claim(catalog::ClaimKind::Register, name, sequence, milliseconds);
    made.content = sha256(content);
    made.version = version;
    return sealed(made);
}

inline catalog::Claim renames(const std::string& name, std::uint64_t sequence, const std::string& to) {
    auto made = claim(catalog::ClaimKind::Rename, name, sequence);
    made.target = to;
    return sealed(made);
}

inline catalog::Claim labels(const std::string& name, std::uint64_t sequence, const std::string& version,
                             const std::string& label, bool set = true) {
    auto made = claim(catalog::ClaimKind::Label, name, sequence);
    made.version = version;
    made.target = label;
    made.set = set;
    return sealed(made);
}

inline catalog::Claim archives(const std::string& name, std::uint64_t sequence, const std::string& version = "",
                               bool set = true) {
    auto made = claim(catalog::ClaimKind::Archive, name, sequence);
    made.version = version;
    made.set = set;
    return sealed(made);
}

}  // namespace envbuild::testing
