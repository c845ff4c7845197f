// The pass over the text of a repodata.json, as it comes. Internal to conda/.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "conda/json_block.hpp"
#include "conda/repodata_index.hpp"

namespace envbuild::conda {

struct RepoDataScan {
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    std::unordered_map<std::string, std::vector<RepoDataIndex::Entry>, Hash, std::equal_to<>> names;
    std::set<std::string, std::less<>> removed;  // file names
    std::string base_url, subdir;                // of "info"
    std::size_t count = 0, unusable = 0;
};

// Takes the text in pieces of any size and keeps none of it: only what a record's or a key's end may still be missing
// of. Where the pieces end makes no difference. Not thread-safe.
//
// Checked of all the text: it is UTF-8, no string holds a control character, strings and brackets are closed. Checked
// of its own members and those of "packages" and "packages.conda": that they are keys with values. What is in a record
// beyond its name is left to those who read it. Of keys that are there twice all count. A record's name is the first
// "name" among its own members, as it is written: none with an escape matches any package's.
class RepoDataScanner {
  public:
    static constexpr std::size_t kLargestMember = 256 << 20;

    explicit RepoDataScanner(std::string shown, std::size_t largest_member = kLargestMember)
        : shown_(std::move(shown)), largest_member_(largest_member) {}

    // Error(Corrupt), with "<shown> reason", as soon as the text can be no repodata. Text over 4 GiB is refused, and so
    // is what must be held whole, a key, a name, "info" or "removed", beyond `largest_member` bytes.
    void feed(std::string_view bytes);
    // The end of the text; nothing may be fed after it. Error(Corrupt) where it is not whole.
    [[nodiscard]] RepoDataScan finish();

  private:
    enum class State : std::uint8_t {
        Start,
        FirstKey,
        NextKey,
        Key,
        Colon,
        Value,
        String,
        Scalar,
        AfterValue,
        End,
        Skip,        // in an object or array: only brackets and possible names matter
        NameColon,   // behind "name", which is a key only if ...
        NameValue,   // behind "name":
        NameString,  // in what may be the name
    };
    enum class Member : std::uint8_t { Other, Record, Info, Removed };  // whose value State::Skip is in

    [[nodiscard]] Error corrupt(std::string_view reason) const;
    [[nodiscard]] Error not_json(std::string_view reason, std::size_t at) const;
    void take(std::string_view bytes);
    void block(std::size_t at);
    void event(std::size_t at, char c);
    void skip(std::size_t at, char c);
    void begin(std::size_t at, char c);
    void begin_key(std::size_t at);
    void end_key(std::size_t at);
    void begin_value(std::size_t at, char c);
    void begin_record(std::size_t at, char c);
    void after_value(std::size_t at, char c);
    void close_object();
    void end_skipped(std::size_t at);
    void add_record(std::size_t at);
    void read_info(std::string text);
    void read_removed(std::string text);
    void drop_front();

    std::string shown_;
    std::size_t largest_member_;
    RepoDataScan scan_;
    JsonBlocks blocks_;
    std::string buffer_;        // of the text from base_ on
    std::uint64_t base_ = 0;    // of the text
    std::size_t next_ = 0;      // of the buffer: the next block
    std::size_t kept_ = kNone;  // of the buffer: the start of a key, name or member that is needed whole
    std::uint64_t last_quotes_ = 0;

    State state_ = State::Start;
    Member member_ = Member::Other;
    bool in_packages_ = false, known_ = false;
    bool seeks_name_ = false;
    std::size_t depth_ = 0;
    std::uint64_t scalar_end_ = 0;
    std::string key_;  // of the document's own members
    std::uint64_t key_offset_ = 0, key_length_ = 0, record_offset_ = 0;
    std::string name_;
    std::pair<const std::string, std::vector<RepoDataIndex::Entry>>* current_ = nullptr;  // of scan_.names

    static constexpr std::size_t kNone = SIZE_MAX;
};

// Of a text that is held.
[[nodiscard]] RepoDataScan scan_repodata(std::string_view text, std::string_view shown);

}  // namespace envbuild::conda
