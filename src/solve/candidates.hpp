// What the solver chooses from: the records of every name, out of several channels, with channel priority applied.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "solve/lazy_record.hpp"

namespace envbuild::solve {

// conda's channel_priority. Strict: of the channels that hold a name, only the first is looked at. Flexible: a better
// channel goes before a higher version. Disabled: the version decides, the channel only breaks ties.
enum class ChannelPriority : std::uint8_t { Strict, Flexible, Disabled };
[[nodiscard]] std::string_view to_string(ChannelPriority priority);
[[nodiscard]] Expected<ChannelPriority> parse_channel_priority(std::string_view text);

struct Candidate {
    LazyRecord record;
    int channel_rank = 0;  // 0 is the channel of the highest priority
};

// Records by name, from wherever: a channel's repodata, a test's list. Not thread-safe.
class RecordSource {
  public:
    virtual ~RecordSource() = default;
    // Every record of the name; null where there is none. Throws Error(Corrupt).
    [[nodiscard]] virtual std::shared_ptr<const conda::NameRecords> open(std::string_view name) = 0;
    [[nodiscard]] virtual std::vector<std::string> names() = 0;
};

// One channel as the solver sees it: `url` is canonical, `sources` are its subdirs.
struct ChannelSource {
    std::string url;
    std::vector<std::shared_ptr<RecordSource>> sources;
};

// Held in memory: for tests, for virtual packages and for records that are known already.
class ListedRecords : public RecordSource {
  public:
    explicit ListedRecords(std::vector<conda::PackageRecord> records);
    std::shared_ptr<const conda::NameRecords> open(std::string_view name) override;
    std::vector<std::string> names() override;

  private:
    std::map<std::string, std::shared_ptr<const conda::NameRecords>, std::less<>> by_name_;
};

// What a name offers. `hidden` are those of channels that strict priority keeps out; they serve explanations.
struct Offer {
    std::vector<Candidate> usable;
    std::vector<Candidate> hidden;
    conda::NameRecords::LeftOut left_out;  // by those who read the channels
};

// name -> candidates. The solver asks for a name once and only when it reaches it. Not thread-safe.
class CandidateProvider {
  public:
    virtual ~CandidateProvider() = default;
    // `channel` restricts a name to one channel (a spec "channel::name"), which goes before strict priority; "" for
    // none.
    [[nodiscard]] virtual Offer offer(const std::string& name, const std::string& channel) = 0;
    // Every name, for "did you mean".
    [[nodiscard]] virtual std::vector<std::string> names() = 0;
    [[nodiscard]] virtual ChannelPriority priority() const = 0;
};

// Channels in the order of their priority. A record that two subdirs or channels give twice (same URL) counts once: the
// first, or the last of a list that has one file twice, as conda reads it.
class ChannelCandidates : public CandidateProvider {
  public:
    ChannelCandidates(std::vector<ChannelSource> channels, ChannelPriority priority = ChannelPriority::Strict);
    Offer offer(const std::string& name, const std::string& channel) override;
    std::vector<std::string> names() override;
    [[nodiscard]] ChannelPriority priority() const override { return priority_; }

  private:
    std::vector<ChannelSource> channels_;
    ChannelPriority priority_;
};

// Whether a record's canonical channel URL is the one (or one of several, joined by '|') that a spec names, by URL or,
// where it holds no "://", by the URL's end.
[[nodiscard]] bool channel_matches(std::string_view asked, std::string_view canonical_url);

}  // namespace envbuild::solve
