#include "spec/yaml_builder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"

namespace envbuild::spec {

namespace {

constexpr std::size_t kIndexFrom = 12;  // members from which a look-up goes through an index
constexpr std::string_view kCore = "tag:yaml.org,2002:";

bool is_tag(const std::string& tag, std::string_view name) {
    return tag.size() == kCore.size() + name.size() && tag.starts_with(kCore) && tag.ends_with(name);
}

// yaml-cpp takes the end of the file for a closing quote.
bool quote_is_closed(std::string_view text) {
    const char quote = text.front();
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (quote == '"' && text[i] == '\\') {
            ++i;
        } else if (text[i] == quote) {
            if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return true;
            ++i;
        }
    }
    return false;
}

}  // namespace

YamlNode YamlBuilder::take() {
    return std::move(root_);
}

YamlNode YamlBuilder::make(YamlNode::Kind kind, const YAML::Mark& mark) const {
    YamlNode node;
    node.kind_ = kind;
    node.source_ = source_;
    node.line_ = mark.line + 1;
    // yaml-cpp counts bytes, people count characters.
    const auto line = source_->line(node.line_).substr(0, static_cast<std::size_t>(std::max(0, mark.column)));
    node.column_ = 1 + static_cast<int>(std::ranges::count_if(
                           line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
    return node;
}

void YamlBuilder::count(const YamlNode& node, Size size) {
    constexpr std::string_view kAdvice = "write it without nested aliases, or split it";
    total_.nodes += size.nodes;
    total_.text += size.text;
    if (total_.nodes > limits_.nodes) {
        throw node.error_at(
            fmt::format("the file has more than {} nodes, aliases counted each time they are used", limits_.nodes),
            std::string(kAdvice));
    }
    if (total_.text > limits_.text) {
        throw node.error_at(fmt::format("the file has more than {} of text, aliases counted each time they are used",
                                        human_bytes(limits_.text)),
                            std::string(kAdvice));
    }
}

// Anchors inside of anchors copy what they name once for each level.
void YamlBuilder::keep(YAML::anchor_t anchor, const YamlNode& node, Size size, std::size_t depth) {
    if (anchor == 0) return;
    kept_.nodes += size.nodes;
    kept_.text += size.text;
    if (kept_.nodes > limits_.nodes || kept_.text > limits_.text)
        throw node.error_at("the file names more nodes with anchors than it may hold", "write it with fewer anchors");
    anchors_[anchor] = {node, size, depth};
}

void YamlBuilder::OnDocumentStart(const YAML::Mark& mark) {
    if (started_) {
        throw make(YamlNode::Kind::Null, mark)
            .error_at("a second document begins here; one file holds one document", "remove '---'");
    }
    started_ = true;
}

// yaml-cpp places an absent value at the next token, lines further down perhaps; people look for it behind its '-' or
// ':'.
YamlNode YamlBuilder::make_null(const YAML::Mark& mark) const {
    YamlNode node = make(YamlNode::Kind::Null, mark);
    std::string_view text = source_->line(node.line_).substr(0, static_cast<std::size_t>(std::max(0, mark.column)));
    for (int line = node.line_; line > 0; text = source_->line(--line)) {
        const std::string_view bare = trim(text.substr(0, text.find(" #")));
        if (bare.empty() || bare.starts_with('#')) continue;
        if (!bare.ends_with('-') && !bare.ends_with(':')) return node;
        YAML::Mark at = mark;
        at.line = line - 1;
        at.column = static_cast<int>(bare.data() + bare.size() - 1 - source_->line(line).data());
        return make(YamlNode::Kind::Null, at);
    }
    return node;
}

void YamlBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
    YamlNode node = make_null(mark);
    count(node, {1, 0});
    keep(anchor, node, {1, 0}, 0);
    add(std::move(node), 0);
}

void YamlBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
        throw make(YamlNode::Kind::Null, mark)
            .error_at("the alias stands inside what it names", "an alias cannot contain itself");
    }
    count(make(YamlNode::Kind::Null, mark), found->second.size);
    if (stack_.size() + found->second.depth > limits_.depth) {
        throw make(YamlNode::Kind::Null, mark)
            .error_at(fmt::format("the file is nested deeper than {} levels", limits_.depth));
    }
    add(found->second.node, found->second.depth);
}

void YamlBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
    YamlNode node = make(YamlNode::Kind::Scalar, mark);
    node.text_ = value;
    node.quoted_ = tag != "?";
    const std::size_t at = static_cast<std::size_t>(std::max(0, mark.column));
    const auto line = source_->line(node.line_);
    node.block_ = node.quoted_ && at < line.size() && (line[at] == '|' || line[at] == '>');
    if (at < line.size() && (line[at] == '"' || line[at] == '\'')) {
        const auto rest = std::string_view(source_->text())
                              .substr(static_cast<std::size_t>(line.data() + at - source_->text().data()));
        if (!quote_is_closed(rest)) throw node.error_at("the quote is not closed", "end the text with the same quote");
    }
    if (!tag.empty() && tag != "?" && tag != "!") {
        const bool number_like = is_tag(tag, "int") || is_tag(tag, "float") || is_tag(tag, "bool");
        if (!number_like && !is_tag(tag, "str") && !is_tag(tag, "null")) {
            throw node.error_at(fmt::format("the tag {} makes a language's own object",
                                            tag.starts_with(kCore) ? "!!" + tag.substr(kCore.size()) : tag),
                                "remove the tag; plain text, numbers, lists and mappings are enough");
        }
        if (number_like) node.quoted_ = false;
        if (is_tag(tag, "null")) node.kind_ = YamlNode::Kind::Null;
    }
    if (!node.quoted_) {
        while (!node.text_.empty() && (node.text_.back() == '\t' || node.text_.back() == ' ')) node.text_.pop_back();
        if (node.text_.empty()) node.kind_ = YamlNode::Kind::Null;
    }
    const Size size{1, node.text_.size()};
    count(node, size);
    keep(anchor, node, size, 0);
    add(std::move(node), 0);
}

void YamlBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                                  YAML::EmitterStyle::value) {
    open(make(YamlNode::Kind::Sequence, mark), tag, "seq", anchor);
}

void YamlBuilder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value) {
    open(make(YamlNode::Kind::Mapping, mark), tag, "map", anchor);
}

void YamlBuilder::open(YamlNode node, const std::string& tag, std::string_view core_tag, YAML::anchor_t anchor) {
    if (!tag.empty() && tag != "?" && tag != "!" && !is_tag(tag, core_tag)) {
        throw node.error_at(fmt::format("the tag {} makes a language's own object", tag), "remove the tag");
    }
    if (stack_.size() >= limits_.depth)
        throw node.error_at(fmt::format("the file is nested deeper than {} levels", limits_.depth));
    Frame frame;
    frame.before = total_;
    count(node, {1, 0});
    frame.node = std::move(node);
    frame.anchor = anchor;
    stack_.push_back(std::move(frame));
}

void YamlBuilder::add(YamlNode node, std::size_t depth) {
    if (stack_.empty()) {
        root_ = std::move(node);
        return;
    }
    Frame& frame = stack_.back();
    frame.depth_below = std::max(frame.depth_below, depth + 1);
    if (frame.node.kind_ == YamlNode::Kind::Sequence) {
        frame.node.items_.push_back(std::move(node));
        return;
    }
    if (!frame.key) {
        if (node.kind_ == YamlNode::Kind::Sequence || node.kind_ == YamlNode::Kind::Mapping) {
            const bool braces = source_->line(node.line_).find("{{") != std::string_view::npos;
            throw node.error_at(
                fmt::format("a key is text, not {}", node.describe()),
                braces ? "this looks like a template that was never rendered: fill in what stands in {{ }}" : "");
        }
        frame.key = std::move(node);
        return;
    }
    YamlNode key = std::move(*frame.key);
    frame.key.reset();
    if (!key.quoted_ && key.text_ == "<<") {
        frame.merges.push_back(std::move(node));
        return;
    }
    if (!frame.keys.insert(key.text_).second) {
        const auto first = std::ranges::find_if(frame.node.members_,
                                                [&](const auto& member) { return member.key.text_ == key.text_; });
        throw key.error_at(fmt::format("the key '{}' is given twice; first on line {}", key.text_, first->key.line_),
                           "join the two, or remove one");
    }
    frame.node.members_.push_back({std::move(key), std::move(node)});
}

void YamlBuilder::close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    if (frame.node.kind_ == YamlNode::Kind::Mapping) {
        merge(frame);
        index(frame.node);
    }
    const Size size{total_.nodes - frame.before.nodes, total_.text - frame.before.text};
    keep(frame.anchor, frame.node, size, frame.depth_below);
    add(std::move(frame.node), frame.depth_below);
}

// YAML 1.1's merge key: what is merged never overrides what is there, and earlier merges win.
void YamlBuilder::merge(Frame& frame) {
    for (const auto& from : frame.merges) {
        if (from.is_mapping()) {
            merge_one(frame, from);
            continue;
        }
        if (!from.is_sequence()) throw from.error_at(fmt::format("'<<' merges a mapping, not {}", from.describe()));
        for (const auto& item : from.items_) {
            if (!item.is_mapping()) throw item.error_at(fmt::format("'<<' merges mappings, not {}", item.describe()));
            merge_one(frame, item);
        }
    }
}

void YamlBuilder::merge_one(Frame& frame, const YamlNode& from) {
    for (const auto& member : from.members_) {
        if (frame.keys.insert(member.key.text_).second) frame.node.members_.push_back(member);
    }
}

void YamlBuilder::index(YamlNode& node) {
    if (node.members_.size() < kIndexFrom) return;
    auto made = std::make_shared<YamlIndex>();
    for (std::size_t i = 0; i < node.members_.size(); ++i) made->positions.emplace(node.members_[i].key.text_, i);
    node.index_ = std::move(made);
}

}  // namespace envbuild::spec
