// YAML as envbuild reads it: one document of plain data with the place of every node, within bounds (design, section
// 5). The only user of yaml-cpp. Environment files, .condarc, configuration, lock files and the catalogue are all read
// through it.
//
// What is refused, always with file:line:column: a file over the limit, bytes that are not text, several documents, a
// key given twice, more nodes or more text than the budget (aliases count each time they are used), depth over the
// cap, an alias to itself, tags other than the core ones, tabs in indentation. A parse error adds a hint for templates
// that were never rendered and for merge conflicts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/diagnostic.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace envbuild::spec {

struct YamlLimits {
    std::uint64_t bytes = 4U << 20U;
    std::size_t nodes = 200'000;
    std::size_t depth = 64;
    std::size_t text = 0;  // bytes of all scalars, aliases counted each time they are used; 0: four times `bytes`
};

// The decoded text that nodes came from; kept for excerpts.
class YamlSource {
  public:
    YamlSource(std::string file, std::string text);
    [[nodiscard]] const std::string& file() const { return file_; }
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] std::string_view line(int number) const;  // from 1; "" beyond the end

  private:
    std::string file_, text_;
    std::vector<std::size_t> line_starts_;
};

// A value: copies share nothing but the source. Thread-safe to read.
class YamlNode {
  public:
    enum class Kind : std::uint8_t { Null, Scalar, Sequence, Mapping };
    // What a plain scalar means under YAML 1.1's core types (as PyYAML and conda read it); a quoted one is always a
    // String.
    enum class ScalarType : std::uint8_t { String, Bool, Int, Float };
    struct Member;

    [[nodiscard]] Kind kind() const { return kind_; }
    [[nodiscard]] bool is_null() const { return kind_ == Kind::Null; }
    [[nodiscard]] bool is_scalar() const { return kind_ == Kind::Scalar; }
    [[nodiscard]] bool is_sequence() const { return kind_ == Kind::Sequence; }
    [[nodiscard]] bool is_mapping() const { return kind_ == Kind::Mapping; }
    [[nodiscard]] bool quoted() const { return quoted_; }
    [[nodiscard]] ScalarType scalar_type() const;
    // "a text", "a number", "a list", "a mapping", "nothing", "true or false": for messages.
    [[nodiscard]] std::string_view describe() const;

    // The scalar as written: 3.10 is "3.10". "" for the other kinds.
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] const std::vector<YamlNode>& items() const { return items_; }    // of a Sequence, else empty
    [[nodiscard]] const std::vector<Member>& members() const { return members_; }  // of a Mapping, in the file's order
    // The member's value, or null: also where this is no mapping. One hash look-up.
    [[nodiscard]] const YamlNode* find(std::string_view key) const;

    // Typed access; throws error_at-made InvalidInput that names `what` ("channels") and the place. A string is any
    // scalar, as written; an integer and a bool are only what YAML 1.1 reads as such.
    [[nodiscard]] const std::string& as_string(std::string_view what) const;
    [[nodiscard]] std::int64_t as_int(std::string_view what) const;
    [[nodiscard]] bool as_bool(std::string_view what) const;
    [[nodiscard]] const std::vector<YamlNode>& as_sequence(std::string_view what) const;
    [[nodiscard]] const std::vector<Member>& as_mapping(std::string_view what) const;
    // A list of scalars, or one scalar alone, as strings.
    [[nodiscard]] std::vector<std::string> as_strings(std::string_view what) const;
    // The member's text; the fallback where it is absent or null; throws where it is no scalar.
    [[nodiscard]] std::string string_or(std::string_view key, std::string_view fallback) const;

    [[nodiscard]] SourcePlace place() const;
    [[nodiscard]] int line() const { return line_; }
    [[nodiscard]] int column() const {
        return column_;
    }  // in characters, from 1; of the opening quote for a quoted scalar
    [[nodiscard]] const YamlSource& source() const { return *source_; }
    // An error of this node's, with place and excerpt; `offset` moves the caret by characters within the scalar.
    [[nodiscard]] Diagnostic diagnostic(Diagnostic::Severity severity, std::string message, std::string hint = "",
                                        int offset = 0) const;
    [[nodiscard]] Error error_at(std::string message, std::string hint = "", int offset = 0) const;

  private:
    friend class YamlBuilder;
    Kind kind_ = Kind::Null;
    bool quoted_ = false, block_ = false;
    int line_ = 0, column_ = 0;
    std::string text_;
    std::vector<YamlNode> items_;
    std::vector<Member> members_;
    std::shared_ptr<const struct YamlIndex> index_;  // key -> position, for mappings with more than a few members
    std::shared_ptr<const YamlSource> source_;
};

struct YamlNode::Member {
    YamlNode key;  // a scalar
    YamlNode value;
};

// InvalidInput with place and hint. `file` is the name for messages. An empty text is a Null node.
[[nodiscard]] Expected<YamlNode> parse_yaml(std::string_view bytes, const std::string& file,
                                            const YamlLimits& limits = {});
// Reads, decodes and parses. Throws Error: NotFound, InvalidInput, Io.
[[nodiscard]] YamlNode read_yaml(const std::filesystem::path& path, const YamlLimits& limits = {});

// The node as JSON: plain scalars by their YAML 1.1 type, quoted ones as strings, key order kept.
[[nodiscard]] Json yaml_to_json(const YamlNode& node);

}  // namespace envbuild::spec
