#include "conda/shard.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json.hpp"
#include "conda/match_spec_grammar.hpp"

namespace envbuild::conda {

namespace {

using MsgPack = nlohmann::json;
using Bytes = MsgPack::binary_t;

constexpr std::size_t kDepth = 32;

std::string hex_of(const Bytes& bytes) {
    std::string hex;
    for (const auto byte : bytes) fmt::format_to(std::back_inserter(hex), "{:02x}", byte);
    return hex;
}

// Takes a document as it is read, value by value, and never more memory than there are bytes: what a damaged document
// claims to hold is not believed. Knows where in the document it is. Those below say what they take of it.
class Walker : public nlohmann::json_sax<MsgPack> {
  public:
    [[nodiscard]] const std::string& reason() const { return reason_; }

    bool null() override { return scalar("null"); }
    bool boolean(bool value) override { return scalar(value ? "true" : "false"); }
    bool number_integer(number_integer_t value) override { return scalar(std::to_string(value)); }
    bool number_unsigned(number_unsigned_t value) override { return scalar(std::to_string(value)); }
    bool number_float(number_float_t value, const string_t&) override {
        return scalar(std::isfinite(value) ? Json(value).dump() : "null");
    }
    bool string(string_t& value) override {
        text(value);
        return scalar(json_quote(value));
    }
    // Bytes become hexadecimal digits, which is what they stand for in the JSON form (sha256, md5).
    bool binary(binary_t& value) override {
        auto hex = hex_of(value);
        text(hex);
        return scalar(json_quote(hex));
    }
    bool start_object(std::size_t) override { return open('{', true); }
    bool start_array(std::size_t) override { return open('[', false); }
    bool end_object() override { return close('}'); }
    bool end_array() override { return close(']'); }
    bool key(string_t& name) override {
        path_.back() = name;
        enter();
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
        return refuse("is not whole or not MessagePack");
    }

  protected:
    // The keys that lead to where the reader is, "" for an element of an array.
    [[nodiscard]] const std::vector<std::string>& path() const { return path_; }
    bool refuse(std::string reason) {
        if (reason_.empty()) reason_ = std::move(reason);
        return false;
    }

    virtual void enter() {}                   // a key of path()
    virtual void text(const std::string&) {}  // a text at path()
    virtual void json(std::string_view) {}    // a value, as JSON
    virtual void begin(char) {}
    virtual void end(char) {}

  private:
    bool scalar(const std::string& value) {
        if (path_.empty()) return refuse("is not a MessagePack map");
        json(value);
        return true;
    }
    bool open(char bracket, bool is_map) {
        if (path_.empty() && !is_map) return refuse("is not a MessagePack map");
        if (path_.size() >= kDepth) return refuse("is nested too deeply");
        if (!path_.empty()) begin(bracket);
        path_.emplace_back();
        return true;
    }
    bool close(char bracket) {
        path_.pop_back();
        if (!path_.empty()) end(bracket);
        return true;
    }

    std::vector<std::string> path_;
    std::string reason_;
};

class ShardReader : public Walker {
  public:
    explicit ShardReader(std::string_view base_url) {
        shard_.repodata = fmt::format(R"({{"info":{{"base_url":{}}})", json_quote(base_url));
    }

    [[nodiscard]] bool has_packages() const { return has_packages_; }
    [[nodiscard]] Shard finish() {
        shard_.repodata += '}';
        shard_.needs.assign(needs_.begin(), needs_.end());
        return std::move(shard_);
    }

  private:
    void enter() override {
        const auto& key = path().back();
        if (path().size() == 1) {
            const bool packages = key == "packages" || key == "packages.conda";
            has_packages_ = has_packages_ || packages;
            taken_ = packages || key == "removed";
            if (taken_) comma_ = true;
        }
        if (!taken_) return;
        separate();
        shard_.repodata += json_quote(key);
        shard_.repodata += ':';
        comma_ = false;
    }
    void text(const std::string& value) override {
        // packages, the file's name, "depends", and an element of it
        if (path().size() != 4 || path()[2] != "depends" || path()[0] == "removed") return;
        if (const auto name = match_spec_name(value); !name.empty()) needs_.emplace(name);
    }
    void json(std::string_view value) override {
        if (!taken_) return;
        separate();
        shard_.repodata += value;
        comma_ = true;
    }
    void begin(char bracket) override {
        if (!taken_) return;
        separate();
        shard_.repodata += bracket;
        comma_ = false;
    }
    void end(char bracket) override {
        if (!taken_) return;
        shard_.repodata += bracket;
        comma_ = true;
    }
    void separate() {
        if (comma_) shard_.repodata += ',';
    }

    Shard shard_;
    std::set<std::string> needs_;
    bool taken_ = false, comma_ = false, has_packages_ = false;
};

class IndexReader : public Walker {
  public:
    [[nodiscard]] bool has_shards() const { return has_shards_; }
    [[nodiscard]] ShardIndex finish() { return std::move(index_); }
    [[nodiscard]] const std::string& fault() const { return fault_; }

  private:
    void enter() override { has_shards_ = has_shards_ || (path().size() == 1 && path()[0] == "shards"); }
    void text(const std::string& value) override {
        if (path().size() != 2) return;
        if (path()[0] == "shards") {
            const auto digest = Digest::from_hex(value);
            if (digest && is_plain_name(path()[1])) index_.shards.insert_or_assign(path()[1], *digest);
            if (!digest) fail(fmt::format("names no shard for '{}'", path()[1]));
        } else if (path()[0] == "info" && path()[1] == "subdir") {
            index_.subdir = value;
        } else if (path()[0] == "info" && path()[1] == "base_url") {
            index_.base_url = value;
        } else if (path()[0] == "info" && path()[1] == "shards_base_url") {
            index_.shards_base_url = value;
        }
    }
    void json(std::string_view value) override {
        if (path().size() == 1 && path()[0] == "version" && value != "1")
            fail(fmt::format("is of version {}; envbuild knows 1", value));
        if (path().size() == 1 && path()[0] == "shards") fail("holds no \"shards\"");
        if (path().size() == 2 && path()[0] == "shards" && !value.starts_with('"'))
            fail(fmt::format("names no shard for '{}'", path()[1]));
    }
    void begin(char bracket) override {
        if (!path().empty() && path()[0] == "shards" && (path().size() > 1 || bracket != '{'))
            fail("holds no \"shards\"");
    }
    static bool is_plain_name(const std::string& name) {
        return is_package_name(name) && name.find('*') == std::string::npos;
    }
    void fail(std::string reason) {
        if (fault_.empty()) fault_ = std::move(reason);
    }

    ShardIndex index_;
    std::string fault_;
    bool has_shards_ = false;
};

Error corrupt(std::string_view shown, std::string_view reason) {
    return Error(ErrorKind::Corrupt, fmt::format("{} {}", shown, reason));
}

void read(std::string_view bytes, Walker& walker, std::string_view shown) {
    if (!MsgPack::sax_parse(bytes.begin(), bytes.end(), &walker, MsgPack::input_format_t::msgpack))
        throw corrupt(shown, walker.reason());
}

}  // namespace

ShardIndex decode_shard_index(std::string_view bytes, std::string_view shown) {
    IndexReader reader;
    read(bytes, reader, shown);
    if (!reader.fault().empty()) throw corrupt(shown, reader.fault());
    if (!reader.has_shards()) throw corrupt(shown, "holds no \"shards\"");
    return reader.finish();
}

Shard decode_shard(std::string_view bytes, std::string_view base_url, std::string_view shown) {
    ShardReader reader(base_url);
    read(bytes, reader, shown);
    if (!reader.has_packages()) throw corrupt(shown, "holds no \"packages\"");
    return reader.finish();
}

}  // namespace envbuild::conda
