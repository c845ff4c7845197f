#include "conda/shard.hpp"

#include <fmt/format.h>
#include <msgpack.h>

#include <cmath>
#include <set>

#include "base/json.hpp"
#include "conda/match_spec_grammar.hpp"

namespace envbuild::conda {

namespace {

std::string_view text_of(const msgpack_object& object) {
    if (object.type == MSGPACK_OBJECT_STR) return {object.via.str.ptr, object.via.str.size};
    if (object.type == MSGPACK_OBJECT_BIN) return {object.via.bin.ptr, object.via.bin.size};
    return {};
}

std::string hex_of(std::string_view bytes) {
    std::string hex;
    for (const char byte : bytes) fmt::format_to(std::back_inserter(hex), "{:02x}", static_cast<unsigned char>(byte));
    return hex;
}

// One document in the library's memory, for as long as this lives. The library bounds how deep it may nest.
class Document {
  public:
    Document(std::string_view bytes, std::string_view shown) : shown_(shown) {
        msgpack_unpacked_init(&unpacked_);
        std::size_t end = 0;
        const auto result = msgpack_unpack_next(&unpacked_, bytes.data(), bytes.size(), &end);
        const bool whole = (result == MSGPACK_UNPACK_SUCCESS || result == MSGPACK_UNPACK_EXTRA_BYTES);
        if (whole && end == bytes.size() && root().type == MSGPACK_OBJECT_MAP) return;
        msgpack_unpacked_destroy(&unpacked_);
        throw corrupt(!whole                ? "is not whole or not MessagePack"
                      : end != bytes.size() ? "goes on behind its end"
                                            : "is not a MessagePack map");
    }
    ~Document() { msgpack_unpacked_destroy(&unpacked_); }
    Document(const Document&) = delete;
    Document& operator=(const Document&) = delete;

    [[nodiscard]] const msgpack_object& root() const { return unpacked_.data; }
    [[nodiscard]] Error corrupt(std::string_view reason) const {
        return Error(ErrorKind::Corrupt, fmt::format("{} {}", shown_, reason));
    }
    // Of a map; null where the key is not there.
    [[nodiscard]] static const msgpack_object* find(const msgpack_object& map, std::string_view key) {
        if (map.type != MSGPACK_OBJECT_MAP) return nullptr;
        for (std::uint32_t i = 0; i < map.via.map.size; ++i) {
            if (text_of(map.via.map.ptr[i].key) == key) return &map.via.map.ptr[i].val;
        }
        return nullptr;
    }

  private:
    std::string_view shown_;
    msgpack_unpacked unpacked_{};
};

// MessagePack as JSON. Bytes become hexadecimal digits, which is what they stand for in the JSON form (sha256, md5).
class JsonWriter {
  public:
    JsonWriter(const Document& document, std::string& out) : document_(document), out_(out) {}

    void write(const msgpack_object& value) {
        switch (value.type) {
            case MSGPACK_OBJECT_BOOLEAN:
                out_ += value.via.boolean ? "true" : "false";
                break;
            case MSGPACK_OBJECT_POSITIVE_INTEGER:
                fmt::format_to(std::back_inserter(out_), "{}", value.via.u64);
                break;
            case MSGPACK_OBJECT_NEGATIVE_INTEGER:
                fmt::format_to(std::back_inserter(out_), "{}", value.via.i64);
                break;
            case MSGPACK_OBJECT_FLOAT32:
            case MSGPACK_OBJECT_FLOAT64:
                std::isfinite(value.via.f64) ? out_ += Json(value.via.f64).dump() : out_ += "null";
                break;
            case MSGPACK_OBJECT_STR:
                out_ += json_quote(text_of(value));
                break;
            case MSGPACK_OBJECT_BIN:
                out_ += json_quote(hex_of(text_of(value)));
                break;
            case MSGPACK_OBJECT_ARRAY:
                write_array(value.via.array);
                break;
            case MSGPACK_OBJECT_MAP:
                write_map(value.via.map);
                break;
            default:
                out_ += "null";
                break;
        }
    }

  private:
    void write_array(const msgpack_object_array& array) {
        out_ += '[';
        for (std::uint32_t i = 0; i < array.size; ++i) {
            if (i > 0) out_ += ',';
            write(array.ptr[i]);
        }
        out_ += ']';
    }

    void write_map(const msgpack_object_map& map) {
        out_ += '{';
        for (std::uint32_t i = 0; i < map.size; ++i) {
            if (i > 0) out_ += ',';
            if (map.ptr[i].key.type != MSGPACK_OBJECT_STR) throw document_.corrupt("has a key that is no text");
            out_ += json_quote(text_of(map.ptr[i].key));
            out_ += ':';
            write(map.ptr[i].val);
        }
        out_ += '}';
    }

    const Document& document_;
    std::string& out_;
};

void collect_needs(const msgpack_object& packages, std::set<std::string_view>& needs) {
    if (packages.type != MSGPACK_OBJECT_MAP) return;
    for (std::uint32_t i = 0; i < packages.via.map.size; ++i) {
        const auto* depends = Document::find(packages.via.map.ptr[i].val, "depends");
        if (depends == nullptr || depends->type != MSGPACK_OBJECT_ARRAY) continue;
        for (std::uint32_t j = 0; j < depends->via.array.size; ++j) {
            const auto name = match_spec_name(text_of(depends->via.array.ptr[j]));
            if (!name.empty()) needs.insert(name);
        }
    }
}

}  // namespace

ShardIndex decode_shard_index(std::string_view bytes, std::string_view shown) {
    const Document document(bytes, shown);
    if (const auto* version = Document::find(document.root(), "version");
        version != nullptr && version->type == MSGPACK_OBJECT_POSITIVE_INTEGER && version->via.u64 != 1)
        throw document.corrupt(fmt::format("is of version {}; envbuild knows 1", version->via.u64));
    ShardIndex index;
    if (const auto* info = Document::find(document.root(), "info")) {
        if (const auto* url = Document::find(*info, "base_url")) index.base_url = text_of(*url);
        if (const auto* url = Document::find(*info, "shards_base_url")) index.shards_base_url = text_of(*url);
    }
    const auto* shards = Document::find(document.root(), "shards");
    if (shards == nullptr || shards->type != MSGPACK_OBJECT_MAP) throw document.corrupt("holds no \"shards\"");
    for (std::uint32_t i = 0; i < shards->via.map.size; ++i) {
        const auto& [key, value] = shards->via.map.ptr[i];
        const auto name = text_of(key);
        const auto raw = text_of(value);
        const auto digest = Digest::from_hex(raw.size() == 32 ? hex_of(raw) : std::string(raw));
        if (name.empty() || !digest) throw document.corrupt(fmt::format("names no shard for '{}'", name));
        index.shards.insert_or_assign(std::string(name), *digest);
    }
    return index;
}

Shard decode_shard(std::string_view bytes, std::string_view base_url, std::string_view shown) {
    const Document document(bytes, shown);
    Shard shard;
    std::set<std::string_view> needs;
    shard.repodata = fmt::format(R"({{"info":{{"base_url":{}}})", json_quote(base_url));
    JsonWriter writer(document, shard.repodata);
    bool known = false;
    for (const std::string_view key : {"packages", "packages.conda", "removed"}) {
        const auto* value = Document::find(document.root(), key);
        if (value == nullptr || value->type == MSGPACK_OBJECT_NIL) continue;
        if (key != "removed") {
            known = true;
            collect_needs(*value, needs);
        }
        shard.repodata += fmt::format(",{}:", json_quote(key));
        writer.write(*value);
    }
    if (!known) throw document.corrupt("holds no \"packages\"");
    shard.repodata += '}';
    shard.needs.assign(needs.begin(), needs.end());
    return shard;
}

}  // namespace envbuild::conda
