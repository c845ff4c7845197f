// Channels written as text, with whatever a server may give, resolved the whole way: reading, choosing, checking.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conda/repodata.hpp"
#include "solve/solver.hpp"

namespace envbuild::solve::test {

// A record's members: name -> value as JSON. "" leaves a member out.
using Members = std::map<std::string, std::string>;

// A sound record of "a-1.0-0" with some members replaced, as `"FILE":{…}`. The file's name follows the members' name,
// version and build where these are plain texts, unless it is given.
[[nodiscard]] std::string record_text(const Members& members = {}, const std::string& file = "");
// {"packages.conda":{…}} of such records.
[[nodiscard]] std::string repodata_text(const std::vector<std::string>& records);
// `[text]` as a JSON list of one text.
[[nodiscard]] std::string one(const std::string& text);

inline const std::string kTextChannel = "https://channel.test/main";

using Subdirs = std::vector<std::shared_ptr<const conda::RepoData>>;

[[nodiscard]] std::shared_ptr<const conda::RepoData> read(std::string repodata, const std::string& subdir = "linux-64",
                                                          const std::string& channel = kTextChannel);
// One channel of these subdirs; several channels.
[[nodiscard]] ChannelCandidates provider_of(const Subdirs& subdirs);
[[nodiscard]] ChannelCandidates provider_of(const std::vector<Subdirs>& channels, ChannelPriority priority);

// File names of the answer, sorted; for no answer, one text: "no answer: " and the error's.
[[nodiscard]] std::vector<std::string> answer(const std::vector<std::string>& specs, std::string repodata);
[[nodiscard]] std::vector<std::string> answer(const std::vector<std::string>& specs, CandidateProvider& provider);

}  // namespace envbuild::solve::test
