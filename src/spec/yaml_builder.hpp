// Builds YamlNodes from yaml-cpp's events, within the limits. Internal to this folder: the header shows yaml-cpp's
// types.
#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "spec/yaml.hpp"

namespace envbuild::spec {

// Throws Error(InvalidInput) with its place from within the events.
class YamlBuilder final : public YAML::EventHandler {
  public:
    YamlBuilder(std::shared_ptr<const YamlSource> source, const YamlLimits& limits)
        : source_(std::move(source)), limits_(limits) {
        if (limits_.text == 0) limits_.text = 4 * limits_.bytes;
    }

    [[nodiscard]] YamlNode take();

    void OnDocumentStart(const YAML::Mark& mark) override;
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override;
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value style) override;
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value style) override;
    void OnMapEnd() override { close(); }

  private:
    // What a node takes with all below it.
    struct Size {
        std::size_t nodes = 0, text = 0;
    };
    struct Frame {
        YamlNode node;
        YAML::anchor_t anchor = 0;
        Size before;
        std::size_t depth_below = 0;  // of the deepest node inside
        std::optional<YamlNode> key;
        std::unordered_set<std::string> keys;
        std::vector<YamlNode> merges;  // values of "<<"
    };
    struct Anchored {
        YamlNode node;
        Size size;
        std::size_t depth = 0;
    };

    YamlNode make(YamlNode::Kind kind, const YAML::Mark& mark) const;
    YamlNode make_null(const YAML::Mark& mark) const;
    void count(const YamlNode& node, Size size);
    void keep(YAML::anchor_t anchor, const YamlNode& node, Size size, std::size_t depth);
    void open(YamlNode node, const std::string& tag, std::string_view core_tag, YAML::anchor_t anchor);
    void add(YamlNode node, std::size_t depth);
    void close();
    void merge(Frame& frame);
    static void merge_one(Frame& frame, const YamlNode& from);
    static void index(YamlNode& node);

    std::shared_ptr<const YamlSource> source_;
    YamlLimits limits_;
    std::vector<Frame> stack_;
    std::map<YAML::anchor_t, Anchored> anchors_;
    YamlNode root_;
    Size total_;
    Size kept_;  // of the copies in anchors_
    bool started_ = false;
};

// YamlNode's index of a mapping with many members.
struct YamlIndex {
    std::map<std::string, std::size_t, std::less<>> positions;
};

}  // namespace envbuild::spec
