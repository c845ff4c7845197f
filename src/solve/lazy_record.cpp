#include "solve/lazy_record.hpp"

namespace envbuild::solve {

namespace {

std::shared_ptr<RecordShelf> shelf_of(conda::PackageRecord record) {
    auto name = record.name;
    std::vector<conda::PackageRecord> records;
    records.push_back(std::move(record));
    return std::make_shared<RecordShelf>(std::move(name), std::make_shared<conda::HeldRecords>(std::move(records)));
}

}  // namespace

RecordShelf::RecordShelf(std::string name, std::shared_ptr<const conda::NameRecords> records)
    : name_(std::move(name)), records_(std::move(records)), read_(records_->heads().size()) {}

const RecordShelf::Read& RecordShelf::read(std::size_t place) {
    auto& slot = read_[place];
    if (slot) return *slot;
    Read read;
    if (auto record = records_->read(place)) {
        read.record = std::move(*record);
    } else {
        const auto& head = records_->heads()[place];
        read.fault = record.error().message();
        read.record.name = name_;
        read.record.version = *head.version;
        read.record.build = head.build;
        read.record.build_number = head.build_number;
        read.record.file_name = head.file_name;
        read.record.channel = records_->channel();
    }
    slot = std::make_unique<const Read>(std::move(read));
    return *slot;
}

LazyRecord::LazyRecord(std::shared_ptr<RecordShelf> shelf, std::size_t place)
    : shelf_(std::move(shelf)), head_(&shelf_->records().heads()[place]), place_(static_cast<std::uint32_t>(place)) {}

LazyRecord::LazyRecord(conda::PackageRecord record) : LazyRecord(shelf_of(std::move(record)), 0) {}

bool LazyRecord::fits(const conda::MatchSpec& spec) const {
    return spec.matches(head()) && (spec.asks_for_head_only() || spec.matches(**this));
}

}  // namespace envbuild::solve
