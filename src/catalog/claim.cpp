#include "catalog/claim.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"
#include "spec/definition.hpp"

namespace envbuild::catalog {

namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::size_t kWordLimit = 128;
constexpr std::size_t kTextLimit = 16384;
constexpr std::string_view kCreatedShape = "0000-00-00T00:00:00.000Z";

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= kWordLimit && is_alphanumeric(text.front()) &&
           std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

Expected<std::string> check_word(std::string_view what, std::string_view text) {
    if (is_word(text)) return std::string(text);
    return std::unexpected(
        Error(ErrorKind::InvalidInput, fmt::format("'{}' is no proper {}", text, what))
            .with_hint("letters, digits, '-', '_' and '.', beginning with a letter or digit, at most "
                       "128 characters"));
}

[[noreturn]] void wrong(std::string_view key, std::string_view why) {
    throw Error(ErrorKind::Corrupt, fmt::format("a claim whose '{}' {}", key, why));
}

bool is_created(std::string_view text) {
    return std::ranges::equal(text, kCreatedShape,
                              [](char c, char shape) { return shape == '0' ? c >= '0' && c <= '9' : c == shape; });
}

// Text that is shown to people: a claim may not play with their terminals.
std::string text_of(const Json& json, std::string_view key, bool lines = false) {
    const Json* member = json.find(key);
    if (member == nullptr) return "";
    if (!member->is_string()) wrong(key, "is no text");
    const auto& text = member->as_string();
    if (text.size() > kTextLimit) wrong(key, "is too long");
    const bool proper = std::ranges::all_of(text, [&](char c) {
        return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || (lines && (c == '\n' || c == '\t'));
    });
    if (!proper) wrong(key, "has control characters");
    return text;
}

std::string word_of(const Json& json, std::string_view key) {
    auto text = text_of(json, key);
    if (!text.empty() && !is_word(text)) wrong(key, fmt::format("is '{}', which is no proper one", text));
    return text;
}

std::string name_of(const Json& json, std::string_view key) {
    auto checked = spec::check_name(text_of(json, key));
    if (!checked) wrong(key, "is no name: " + checked.error().message());
    return std::move(*checked);
}

std::map<std::string, std::string> tags_of(const Json& json) {
    std::map<std::string, std::string> tags;
    const Json* member = json.find("tags");
    if (member == nullptr) return tags;
    if (!member->is_object()) wrong("tags", "is no object");
    for (const auto& [key, value] : member->as_object()) {
        if (key.empty() || has_control_character(key)) wrong("tags", "has a key with control characters");
        tags[key] = text_of(*member, key, true);
    }
    return tags;
}

// What `list` shows, and what is said again in --json: texts without control characters, however deep.
void check_fact(const Json& fact, int depth = 0) {
    constexpr int kDepth = 4;
    if (depth > kDepth) wrong("facts", "is nested too deeply");
    if (fact.is_string() && (fact.as_string().size() > kTextLimit || has_control_character(fact.as_string())))
        wrong("facts", "has control characters, or too long a text");
    if (fact.is_array()) {
        for (const auto& item : fact.as_array()) check_fact(item, depth + 1);
    }
    if (!fact.is_object()) return;
    for (const auto& [key, value] : fact.as_object()) {
        if (has_control_character(key)) wrong("facts", "has a key with control characters");
        check_fact(value, depth + 1);
    }
}

Json facts_of(const Json& json) {
    const Json& facts = json["facts"];
    if (facts.is_null()) return facts;
    if (!facts.is_object()) wrong("facts", "is no object");
    check_fact(facts);
    for (const auto* key : {"python", "cuda", "base"}) (void)text_of(facts, key);
    if (const Json* gpu = facts.find("gpu"); gpu != nullptr && !gpu->is_bool())
        wrong("facts", "has a gpu that is no flag");
    if (const Json* frameworks = facts.find("frameworks")) {
        if (!frameworks->is_array() || !std::ranges::all_of(frameworks->as_array(), &Json::is_string))
            wrong("facts", "has frameworks that are no list of texts");
    }
    return facts;
}

ClaimKind kind_of(const Json& json) {
    const auto text = text_of(json, "kind");
    for (const auto kind : {ClaimKind::Register, ClaimKind::Rename, ClaimKind::Label, ClaimKind::Archive}) {
        if (text == to_string(kind)) return kind;
    }
    wrong("kind", fmt::format("is '{}'", text));
}

Claim read_claim(const Json& json) {
    if (!json.is_object()) throw Error(ErrorKind::Corrupt, "a claim that is no JSON object");
    if (const auto format = json.int_or("format", 0); format != kFormat)
        wrong("format", fmt::format("is {}; this envbuild reads {}", format, kFormat));
    Claim claim;
    claim.kind = kind_of(json);
    claim.name = name_of(json, "name");
    const auto sequence = json.int_or("sequence", 0);
    if (sequence < 1 || static_cast<std::uint64_t>(sequence) > kLastSequence) wrong("sequence", "is out of range");
    claim.sequence = static_cast<std::uint64_t>(sequence);
    claim.created = text_of(json, "created");
    if (!is_created(claim.created)) wrong("created", fmt::format("is not of the form {}", kCreatedShape));
    claim.author = text_of(json, "author");
    claim.version = word_of(json, "version");
    if (claim.kind == ClaimKind::Register) {
        const auto content = Digest::parse(text_of(json, "content"));
        if (!content) wrong("content", "is no digest");
        claim.content = *content;
        claim.spec_hash = text_of(json, "spec_hash");
        if (!claim.spec_hash.empty() && !Digest::from_hex(claim.spec_hash)) wrong("spec_hash", "is no hash");
        claim.expected = word_of(json, "expected");
        claim.description = text_of(json, "description", true);
        claim.tags = tags_of(json);
        claim.facts = facts_of(json);
    } else if (claim.kind == ClaimKind::Rename) {
        claim.target = name_of(json, "target");
    } else {
        claim.target = word_of(json, "target");
        if (claim.kind == ClaimKind::Label && claim.target.empty()) wrong("target", "is missing");
        claim.set = json.bool_or("set", true);
    }
    return claim;
}

void set_text(Json& json, std::string_view key, const std::string& text) {
    if (!text.empty()) json.set(std::string(key), text);
}

}  // namespace

std::string_view to_string(ClaimKind kind) {
    switch (kind) {
        case ClaimKind::Register:
            return "register";
        case ClaimKind::Rename:
            return "rename";
        case ClaimKind::Label:
            return "label";
        case ClaimKind::Archive:
            return "archive";
    }
    return "";
}

Json Claim::to_json() const {
    Json json = Json::object();
    json.set("format", kFormat).set("kind", to_string(kind)).set("name", name);
    json.set("sequence", sequence).set("created", created);
    set_text(json, "author", author);
    set_text(json, "version", version);
    if (kind == ClaimKind::Register) {
        json.set("content", content.to_string());
        set_text(json, "spec_hash", spec_hash);
        set_text(json, "expected", expected);
        set_text(json, "description", description);
        if (!tags.empty()) {
            Json object = Json::object();
            for (const auto& [key, value] : tags) object.set(key, value);
            json.set("tags", std::move(object));
        }
        if (!facts.is_null()) json.set("facts", facts);
        return json;
    }
    set_text(json, "target", target);
    if (kind != ClaimKind::Rename) json.set("set", set);
    return json;
}

Expected<Claim> Claim::parse(const Json& json) {
    try {
        return read_claim(json);
    } catch (const Error& error) {
        return std::unexpected(error);
    }
}

Expected<std::string> check_version(std::string_view version) {
    if (version == "latest") return fail(ErrorKind::InvalidInput, "'latest' is a label and no version");
    return check_word("version", version);
}

Expected<std::string> check_label(std::string_view label) {
    return check_word("label", label);
}

std::string claim_tag(std::string_view name, const Digest& manifest) {
    return fmt::format("{}{}-{}", kClaimTagPrefix, sha256(name).hex().substr(0, 32), manifest.hex());
}

std::optional<Digest> digest_of_claim_tag(std::string_view tag) {
    if (tag.size() != kClaimTagPrefix.size() + 32 + 1 + 64 || !tag.starts_with(kClaimTagPrefix)) return std::nullopt;
    const auto lower_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    const auto name = tag.substr(kClaimTagPrefix.size(), 32);
    const auto hex = tag.substr(kClaimTagPrefix.size() + 33);
    if (tag[kClaimTagPrefix.size() + 32] != '-' || !std::ranges::all_of(name, lower_hex) ||
        !std::ranges::all_of(hex, lower_hex))
        return std::nullopt;
    return *Digest::from_hex(hex);
}

}  // namespace envbuild::catalog
