#include "conda/repodata_scan.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace envbuild::conda {

namespace {

namespace ondemand = simdjson::ondemand;

// What is copied at once stays in the processor's cache.
constexpr std::size_t kPiece = 1 << 17;
// How far behind a block's start its events may look: from a name's closing quote to its opening one.
constexpr std::size_t kLookBack = 8;
constexpr std::string_view kName = "name";

bool begins_value(char c) {
    return c == '{' || c == '[' || c == '"' || c == '-' || (c >= '0' && c <= '9') || c == 't' || c == 'f' || c == 'n';
}

bool is_structural(char c) {
    return c == '{' || c == '}' || c == '[' || c == ']' || c == ':' || c == ',' || c == '"';
}

void check(simdjson::error_code code) {
    if (code != simdjson::SUCCESS) throw simdjson::simdjson_error(code);
}

template <class T>
T take_value(simdjson::simdjson_result<T> result) {
    T value;
    check(std::move(result).get(value));
    return value;
}

// Calls `read` with the document that the text is.
template <class Read>
void parse(std::string text, Read read) {
    const auto size = text.size();
    text.resize(size + simdjson::SIMDJSON_PADDING);
    ondemand::parser parser;
    auto document = take_value(parser.iterate(text.data(), size, text.size()));
    read(document);
}

std::string unescaped(std::string_view key) {
    std::string text;
    parse("\"" + std::string(key) + "\"",
          [&](ondemand::document& document) { text = take_value(document.get_string()); });
    return text;
}

}  // namespace

Error RepoDataScanner::corrupt(std::string_view reason) const {
    return Error(ErrorKind::Corrupt, fmt::format("{} {}", shown_, reason));
}

Error RepoDataScanner::not_json(std::string_view reason, std::size_t at) const {
    return corrupt(fmt::format("is not whole or not JSON: {} near byte {}", reason, base_ + at));
}

void RepoDataScanner::feed(std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(kPiece, bytes.size()))) take(bytes.substr(0, kPiece));
}

void RepoDataScanner::take(std::string_view bytes) {
    if (base_ + buffer_.size() + bytes.size() >= std::numeric_limits<std::uint32_t>::max())
        throw corrupt("is larger than 4 GiB");
    buffer_ += bytes;
    for (; next_ + kJsonBlock <= buffer_.size(); next_ += kJsonBlock) block(next_);
    drop_front();
    if (kept_ != kNone && buffer_.size() - kept_ > largest_member_) {
        throw corrupt(fmt::format("has a name, a key, an \"info\" or a \"removed\" of more than {} bytes near byte {}",
                                  largest_member_, base_ + kept_));
    }
}

void RepoDataScanner::drop_front() {
    const auto unneeded = std::min(kept_, next_ - std::min(next_, kLookBack));
    if (unneeded == 0) return;
    buffer_.erase(0, unneeded);
    base_ += unneeded;
    next_ -= unneeded;
    if (kept_ != kNone) kept_ -= unneeded;
}

RepoDataScan RepoDataScanner::finish() {
    const auto size = buffer_.size();
    if (size > next_) {
        buffer_.resize(next_ + kJsonBlock, ' ');
        block(next_);
    }
    if (state_ == State::Start) throw corrupt("is empty");
    if (state_ != State::End) throw not_json("it ends before its end", size);
    if (!known_) throw corrupt("holds no \"packages\": it is JSON, but not a repodata");
    return std::move(scan_);
}

void RepoDataScanner::block(std::size_t at) {
    const char* const bytes = buffer_.data() + at;
    const auto block = blocks_.next(bytes);
    if (blocks_.broken() != nullptr) throw not_json(blocks_.broken(), at);
    // Closing quotes of strings of four bytes.
    const auto names = block.quotes & ~block.in_string & (block.quotes << 5 | last_quotes_ >> 59);
    last_quotes_ = block.quotes;
    std::uint64_t all = 0;
    bool has_all = false;
    for (std::uint64_t left = ~std::uint64_t{0};;) {
        std::uint64_t events = 0;
        if (state_ == State::Skip) {
            events = block.brackets | (seeks_name_ ? names : 0);
        } else {
            if (!has_all) all = block.quotes | (~mask_json_blanks(bytes) & ~block.in_string);
            has_all = true;
            events = all;
        }
        events &= left;
        if (events == 0) return;
        const auto place = static_cast<unsigned>(std::countr_zero(events));
        left = ~std::uint64_t{1} << place;
        event(at + place, bytes[place]);
    }
}

void RepoDataScanner::event(std::size_t at, char c) {
    switch (state_) {
        case State::Skip:
            return skip(at, c);
        case State::NameColon:
            state_ = c == ':' ? State::NameValue : State::Skip;
            return state_ == State::Skip ? skip(at, c) : void();
        case State::NameValue:
            if (c == '"') {
                state_ = State::NameString;
                kept_ = at + 1;
                return;
            }
            seeks_name_ = false;
            state_ = State::Skip;
            return skip(at, c);
        case State::NameString:
            name_.assign(buffer_, kept_, at - kept_);
            kept_ = kNone;
            seeks_name_ = false;
            state_ = State::Skip;
            return;
        case State::AfterValue:
            return after_value(at, c);
        case State::FirstKey:
            return c == '}' ? close_object() : begin_key(at);
        case State::NextKey:
            return begin_key(at);
        case State::Key:
            return end_key(at);
        case State::Colon:
            if (c != ':') throw not_json("no colon behind a key", at);
            state_ = State::Value;
            return;
        case State::Value:
            return begin_value(at, c);
        case State::String:
            state_ = State::AfterValue;
            return;
        case State::Scalar:
            if (base_ + at == scalar_end_ && !is_structural(c)) {
                ++scalar_end_;
                return;
            }
            state_ = State::AfterValue;
            return after_value(at, c);
        case State::Start:
            return begin(at, c);
        case State::End:
            throw corrupt("goes on behind its end");
    }
}

void RepoDataScanner::skip(std::size_t at, char c) {
    if (c == '{' || c == '[') {
        ++depth_;
    } else if (c == '}' || c == ']') {
        if (--depth_ == 0) end_skipped(at);
    } else if (c == '"' && seeks_name_ && depth_ == 1 && at >= kName.size() &&
               std::memcmp(buffer_.data() + at - kName.size(), kName.data(), kName.size()) == 0) {
        state_ = State::NameColon;
    }
}

void RepoDataScanner::begin(std::size_t, char c) {
    if (c == '<') {
        throw corrupt("is an HTML page, not a repodata")
            .with_hint("is this a channel's URL? A proxy may also have answered in its place");
    }
    if (c != '{') throw corrupt("is not a JSON object");
    state_ = State::FirstKey;
}

void RepoDataScanner::begin_key(std::size_t at) {
    if (buffer_[at] != '"') throw not_json("no key", at);
    key_offset_ = base_ + at + 1;
    if (!in_packages_) kept_ = at + 1;
    state_ = State::Key;
}

void RepoDataScanner::end_key(std::size_t at) {
    key_length_ = base_ + at - key_offset_;
    state_ = State::Colon;
    if (in_packages_) return;
    key_.assign(buffer_, kept_, at - kept_);
    kept_ = kNone;
    if (key_.find('\\') == std::string::npos) return;
    try {
        key_ = unescaped(key_);
    } catch (const simdjson::simdjson_error& error) {
        throw not_json(error.what(), at);
    }
}

void RepoDataScanner::begin_value(std::size_t at, char c) {
    if (!begins_value(c)) throw not_json("no value", at);
    member_ = Member::Other;
    if (in_packages_) {
        begin_record(at, c);
    } else if (key_ == "packages" || key_ == "packages.conda") {
        if (c != '{') throw corrupt(fmt::format("has \"{}\" that is not an object", key_));
        known_ = in_packages_ = true;
        state_ = State::FirstKey;
        return;
    } else if ((key_ == "info" && c == '{') || (key_ == "removed" && c == '[')) {
        member_ = c == '{' ? Member::Info : Member::Removed;
        kept_ = at;
    }
    if (c == '{' || c == '[') {
        depth_ = 1;
        state_ = State::Skip;
    } else if (c == '"') {
        state_ = State::String;
    } else {
        scalar_end_ = base_ + at + 1;
        state_ = State::Scalar;
    }
}

void RepoDataScanner::begin_record(std::size_t at, char c) {
    ++scan_.count;
    if (c != '{' || key_length_ > std::numeric_limits<std::uint16_t>::max()) {
        ++scan_.unusable;
        return;
    }
    member_ = Member::Record;
    record_offset_ = base_ + at;
    seeks_name_ = true;
    name_.clear();
}

void RepoDataScanner::after_value(std::size_t at, char c) {
    if (c == ',') {
        state_ = State::NextKey;
    } else if (c == '}') {
        close_object();
    } else {
        throw not_json("neither comma nor brace behind a value", at);
    }
}

void RepoDataScanner::close_object() {
    state_ = in_packages_ ? State::AfterValue : State::End;
    in_packages_ = false;
}

void RepoDataScanner::end_skipped(std::size_t at) {
    state_ = State::AfterValue;
    seeks_name_ = false;
    if (member_ == Member::Record) return add_record(at);
    if (member_ == Member::Other) return;
    std::string text(buffer_, kept_, at + 1 - kept_);
    kept_ = kNone;
    try {
        member_ == Member::Info ? read_info(std::move(text)) : read_removed(std::move(text));
    } catch (const simdjson::simdjson_error& error) {
        throw not_json(error.what(), at);
    }
}

void RepoDataScanner::add_record(std::size_t at) {
    if (name_.empty()) {
        ++scan_.unusable;
        return;
    }
    // Records of a name lie together.
    if (current_ == nullptr || current_->first != name_) current_ = &*scan_.names.try_emplace(name_).first;
    current_->second.push_back({static_cast<std::uint32_t>(key_offset_), static_cast<std::uint32_t>(record_offset_),
                                static_cast<std::uint32_t>(base_ + at + 1 - record_offset_),
                                static_cast<std::uint16_t>(key_length_), 0});
}

void RepoDataScanner::read_info(std::string text) {
    parse(std::move(text), [&](ondemand::document& document) {
        for (auto entry : take_value(document.get_object())) {
            ondemand::field field = take_value(std::move(entry));
            const std::string_view key = take_value(field.unescaped_key());
            ondemand::value value = field.value();
            std::string_view word;
            auto* const wanted = key == "base_url" ? &scan_.base_url : key == "subdir" ? &scan_.subdir : nullptr;
            if (wanted != nullptr && value.get_string().get(word) == simdjson::SUCCESS) *wanted = word;
        }
    });
}

void RepoDataScanner::read_removed(std::string text) {
    parse(std::move(text), [&](ondemand::document& document) {
        for (auto element : take_value(document.get_array())) {
            ondemand::value item = take_value(std::move(element));
            std::string_view file;
            if (item.get_string().get(file) == simdjson::SUCCESS) scan_.removed.emplace(file);
        }
    });
}

RepoDataScan scan_repodata(std::string_view text, std::string_view shown) {
    RepoDataScanner scanner{std::string(shown)};
    scanner.feed(text);
    return scanner.finish();
}

}  // namespace envbuild::conda
