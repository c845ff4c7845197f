// A record of which the solver has the head, and reads the rest when it is looked into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "conda/match_spec.hpp"
#include "conda/name_records.hpp"

namespace envbuild::solve {

// The records of one name and source, each read once. Not thread-safe.
class RecordShelf {
  public:
    RecordShelf(std::string name, std::shared_ptr<const conda::NameRecords> records);

    struct Read {
        conda::PackageRecord record;
        std::string fault;  // why only what the head says is there; "" where all is
    };
    [[nodiscard]] const Read& read(std::size_t place);
    [[nodiscard]] const conda::NameRecords& records() const { return *records_; }

  private:
    std::string name_;
    std::shared_ptr<const conda::NameRecords> records_;
    std::vector<std::unique_ptr<const Read>> read_;
};

// Used like a pointer to the record. Copies share what was read. Not thread-safe.
class LazyRecord {
  public:
    LazyRecord() = default;  // of nothing: assign before use
    LazyRecord(std::shared_ptr<RecordShelf> shelf, std::size_t place);
    explicit LazyRecord(conda::PackageRecord record);

    [[nodiscard]] const conda::RecordHead& head() const { return *head_; }
    [[nodiscard]] std::string_view channel() const { return shelf_->records().channel(); }
    [[nodiscard]] const conda::PackageRecord& operator*() const { return shelf_->read(place_).record; }
    [[nodiscard]] const conda::PackageRecord* operator->() const { return &**this; }
    [[nodiscard]] bool may_hold(std::string_view text) const { return shelf_->records().may_hold(place_, text); }
    // In every field but the channel. Of a spec that asks for what heads show the rest is not read.
    [[nodiscard]] bool fits(const conda::MatchSpec& spec) const;
    // Why its text turned out to be unreadable, which makes it no package to install; "" where it can be read.
    [[nodiscard]] const std::string& fault() const { return shelf_->read(place_).fault; }

  private:
    std::shared_ptr<RecordShelf> shelf_;
    const conda::RecordHead* head_ = nullptr;
    std::uint32_t place_ = 0;
};

}  // namespace envbuild::solve
