#include "solve/pip_index.hpp"

#include "base/parallel.hpp"

namespace envbuild::solve {

std::optional<Expected<pypi::CoreMetadata>> PipIndex::known(const Key& key) {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(key);
    if (found == known_.end()) return std::nullopt;
    return found->second;
}

Expected<pypi::CoreMetadata> PipIndex::metadata(const pypi::IndexFile& file, const pypi::WheelName& name) {
    const Key key(file.url.to_string(), file.filename, file.sha256 ? file.sha256->hex() : "");
    if (auto before = known(key)) return *std::move(before);
    auto metadata = source_.fetch(file, name);  // what it throws may be another time, and is asked again
    const std::lock_guard lock(mutex_);
    known_.insert_or_assign(key, metadata);
    return metadata;
}

void PipIndex::prefetch(const std::vector<Wheel>& wheels) {
    parallel_for(wheels.size(), threads_, [&](std::size_t i) {
        try {
            [[maybe_unused]] const auto kept = metadata(*wheels[i].first, *wheels[i].second);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::Cancelled) throw;
        }
    });
}

}  // namespace envbuild::solve
