#include "conda/name_records.hpp"

namespace envbuild::conda {

HeldRecords::HeldRecords(std::vector<PackageRecord> records) : records_(std::move(records)) {
    heads_.reserve(records_.size());
    for (const auto& record : records_) {
        heads_.push_back({.version = &record.version,
                          .build = record.build,
                          .file_name = record.file_name,
                          .build_number = record.build_number,
                          .timestamp = record.timestamp,
                          .track_features = static_cast<std::uint32_t>(record.track_features.size()),
                          .has_sha256 = record.sha256.has_value()});
    }
}

std::string_view HeldRecords::channel() const {
    return records_.empty() ? std::string_view() : records_.front().channel;
}

}  // namespace envbuild::conda
