#include "solve/verify_answer.hpp"

#include <map>
#include <optional>
#include <set>

namespace envbuild::solve {

namespace {

class Check {
  public:
    Check(const Request& request, const std::vector<conda::PackageRecord>& packages)
        : request_(request), packages_(packages) {
        for (const auto& record : packages) add(record);
        for (const auto& record : request.virtual_packages) add(record);
    }

    std::vector<std::string> run() {
        for (const auto& spec : request_.specs) {
            require("the request", spec, true);
            reach(spec.name());
        }
        for (const auto& pin : request_.constraints) require("the request", pin.spec, false);
        for (const auto& record : packages_) {
            for (const auto& text : record.depends) require_text(record, text, true);
            for (const auto& text : record.constrains) require_text(record, text, false);
            if (!record.sha256 && !request_.allow_missing_sha256) faults_.push_back("no sha256: " + record.dist_name());
        }
        while (!open_.empty()) {
            const auto& record = *by_name_.at(open_.back());
            open_.pop_back();
            for (const auto& text : record.depends) {
                if (const auto spec = conda::MatchSpec::parse(text, conda::Dialect::Conda)) reach(spec->name());
            }
        }
        for (const auto& record : packages_) {
            if (!reached_.contains(record.name)) faults_.push_back("nothing needs " + record.dist_name());
        }
        return std::move(faults_);
    }

  private:
    void add(const conda::PackageRecord& record) {
        if (!by_name_.emplace(record.name, &record).second) faults_.push_back("two packages of " + record.name);
    }

    void reach(const std::string& name) {
        if (by_name_.contains(name) && reached_.insert(name).second) open_.push_back(name);
    }

    void require(const std::string& who, const conda::MatchSpec& spec, bool must_be_there) {
        const auto found = by_name_.find(spec.name());
        if (found == by_name_.end()) {
            if (must_be_there) faults_.push_back(who + ": " + spec.to_string() + " is not there");
        } else if (!spec.matches(*found->second)) {
            faults_.push_back(who + ": " + spec.to_string() + " is not met by " + found->second->dist_name());
        } else if (!channel_matches(spec.channel(), found->second->channel)) {
            faults_.push_back(who + ": " + spec.to_string() + " is from " + found->second->channel);
        }
    }

    void require_text(const conda::PackageRecord& record, const std::string& text, bool must_be_there) {
        const auto spec = conda::MatchSpec::parse(text, conda::Dialect::Conda);
        if (!spec) {
            faults_.push_back(record.dist_name() + ": '" + text + "' does not parse");
        } else if (must_be_there || spec->name() != record.name) {
            const auto url = spec->channel().empty() || !request_.channel_url ? std::optional(spec->channel())
                                                                              : request_.channel_url(spec->channel());
            if (!url) {
                faults_.push_back(record.dist_name() + ": '" + text + "' names no channel");
            } else {
                require(record.dist_name(), spec->channel().empty() ? *spec : spec->with_channel(*url), must_be_there);
            }
        }
    }

    const Request& request_;
    const std::vector<conda::PackageRecord>& packages_;
    std::map<std::string, const conda::PackageRecord*> by_name_;
    std::set<std::string> reached_;
    std::vector<std::string> open_, faults_;
};

}  // namespace

std::vector<std::string> faults_of_answer(const Request& request, const std::vector<conda::PackageRecord>& packages) {
    return Check(request, packages).run();
}

}  // namespace envbuild::solve
