#include "link/wheel_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>

#include "base/shown.hpp"
#include "base/strings.hpp"

namespace envbuild::link {

namespace {

constexpr std::string_view kSha256 = "sha256=";

[[noreturn]] void corrupt(std::string message) {
    throw Error(ErrorKind::Corrupt, std::move(message));
}

// The next field, and where it ends: at a comma, a line's end or the text's.
std::string read_field(std::string_view text, std::size_t& at) {
    std::string field;
    if (at < text.size() && text[at] == '"') {
        for (++at;; ++at) {
            if (at == text.size()) corrupt("RECORD has a quote that does not end");
            if (text[at] == '"' && (at + 1 == text.size() || text[at + 1] != '"')) break;
            if (text[at] == '"') ++at;
            field += text[at];
        }
        ++at;
    } else {
        const std::size_t end = std::min(text.find_first_of(",\r\n", at), text.size());
        field = text.substr(at, end - at);
        at = end;
    }
    if (at < text.size() && std::strchr(",\r\n", text[at]) == nullptr) corrupt("RECORD has text behind a quote");
    return field;
}

std::vector<std::string> read_line(std::string_view text, std::size_t& at) {
    std::vector<std::string> fields{read_field(text, at)};
    while (at < text.size() && text[at] == ',') {
        if (fields.size() > 16) corrupt("RECORD has a line of too many fields");
        fields.push_back(read_field(text, ++at));
    }
    while (at < text.size() && (text[at] == '\r' || text[at] == '\n')) ++at;
    return fields;
}

Digest digest_of(const std::string& path, std::string_view hash) {
    std::string bytes;
    if (!hash.starts_with(kSha256)) {
        corrupt(fmt::format("RECORD gives '{}' another hash than sha256: {}", shown(path),
                            shown(hash.substr(0, hash.find('=')))));
    }
    Digest::Bytes digest{};
    if (!base64_decode(hash.substr(kSha256.size()), bytes) || bytes.size() != digest.size())
        corrupt(fmt::format("RECORD gives '{}' a sha256 that is none", shown(path)));
    std::memcpy(digest.data(), bytes.data(), digest.size());
    return Digest(digest);
}

RecordRow read_row(const std::vector<std::string>& fields) {
    RecordRow row;
    row.path = fields[0];
    if (fields.size() > 1 && !fields[1].empty()) row.sha256 = digest_of(row.path, fields[1]);
    if (fields.size() > 2 && !fields[2].empty()) {
        std::uint64_t size = 0;
        const char* end = fields[2].data() + fields[2].size();
        const auto [stop, error] = std::from_chars(fields[2].data(), end, size);
        if (error != std::errc() || stop != end)
            corrupt(fmt::format("RECORD gives '{}' a size that is no number", shown(row.path)));
        row.size = size;
    }
    return row;
}

std::string quoted(const std::string& field) {
    if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
    return "\"" + replace_all(field, "\"", "\"\"") + "\"";
}

std::string record_hash(const Digest& digest) {
    std::string text = base64({reinterpret_cast<const char*>(digest.bytes().data()), digest.bytes().size()}, true);
    while (text.ends_with('=')) text.pop_back();
    return std::string(kSha256) + text;
}

}  // namespace

Expected<std::vector<RecordRow>> parse_record(std::string_view text, std::size_t most) {
    if (!is_valid_utf8(text)) return fail(ErrorKind::Corrupt, "RECORD is not UTF-8");
    std::vector<RecordRow> rows;
    std::map<std::string, std::size_t> known;
    try {
        for (std::size_t at = 0; at < text.size();) {
            if (text[at] == '\r' || text[at] == '\n') {
                ++at;
                continue;
            }
            RecordRow row = read_row(read_line(text, at));
            if (row.path.empty()) corrupt("RECORD has a line without a path");
            const auto [place, fresh] = known.try_emplace(row.path, rows.size());
            if (!fresh && rows[place->second] != row)
                corrupt(fmt::format("RECORD names '{}' twice, and differently", shown(row.path)));
            if (fresh && rows.size() == most) corrupt("RECORD names more files than there are");
            if (fresh) rows.push_back(std::move(row));
        }
    } catch (Error& error) {
        return std::unexpected(std::move(error));
    }
    return rows;
}

std::string record_text(std::vector<RecordRow> rows) {
    std::ranges::sort(rows, {}, &RecordRow::path);
    std::string text;
    for (const auto& row : rows) {
        text += fmt::format("{},{},{}\n", quoted(row.path), row.sha256 ? record_hash(*row.sha256) : "",
                            row.size ? std::to_string(*row.size) : "");
    }
    return text;
}

}  // namespace envbuild::link
