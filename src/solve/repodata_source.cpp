#include "solve/repodata_source.hpp"

namespace envbuild::solve {

namespace {

class RepoDataSource : public RecordSource {
  public:
    explicit RepoDataSource(std::shared_ptr<const conda::SubdirRecords> data) : data_(std::move(data)) {}
    std::shared_ptr<const conda::NameRecords> open(std::string_view name) override { return data_->open(name); }
    std::vector<std::string> names() override { return data_->names(); }

  private:
    std::shared_ptr<const conda::SubdirRecords> data_;
};

}  // namespace

std::vector<ChannelSource> channel_sources(const std::vector<conda::FetchedChannel>& channels) {
    std::vector<ChannelSource> sources;
    for (const auto& fetched : channels) {
        ChannelSource source{fetched.channel.url().to_string(), {}};
        for (const auto& subdir : fetched.subdirs) source.sources.push_back(std::make_shared<RepoDataSource>(subdir));
        sources.push_back(std::move(source));
    }
    return sources;
}

}  // namespace envbuild::solve
