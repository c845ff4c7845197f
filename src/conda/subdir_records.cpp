#include "conda/subdir_records.hpp"

namespace envbuild::conda {

std::vector<PackageRecord> SubdirRecords::records(std::string_view name) const {
    std::vector<PackageRecord> records;
    const auto opened = open(name);
    if (!opened) return records;
    records.reserve(opened->heads().size());
    for (std::size_t place = 0; place < opened->heads().size(); ++place) {
        if (auto record = opened->read(place)) records.push_back(std::move(*record));
    }
    return records;
}

}  // namespace envbuild::conda
