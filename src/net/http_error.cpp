#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "net/http_client.hpp"

namespace envbuild {

namespace {

constexpr std::size_t kDetailLength = 300;

std::string_view reason(int status) {
    switch (status) {
        case 400:
            return " Bad Request";
        case 401:
            return " Unauthorized";
        case 403:
            return " Forbidden";
        case 404:
            return " Not Found";
        case 405:
            return " Method Not Allowed";
        case 407:
            return " Proxy Authentication Required";
        case 408:
            return " Request Timeout";
        case 409:
            return " Conflict";
        case 410:
            return " Gone";
        case 413:
            return " Content Too Large";
        case 416:
            return " Range Not Satisfiable";
        case 429:
            return " Too Many Requests";
        case 500:
            return " Internal Server Error";
        case 502:
            return " Bad Gateway";
        case 503:
            return " Service Unavailable";
        case 504:
            return " Gateway Timeout";
        default:
            return "";
    }
}

ErrorKind kind_of(int status) {
    if (status == 401 || status == 403 || status == 407) return ErrorKind::Unauthorized;
    if (status == 404 || status == 410) return ErrorKind::NotFound;
    if (status >= 500 || is_transient_status(status)) return ErrorKind::Transient;
    return ErrorKind::InvalidInput;
}

// The message of a Docker engine, an OCI registry (distribution-spec, "Error Codes") or anything that looks like them.
std::string message_in_json(const Json& json) {
    const Json& errors = json["errors"];
    if (errors.is_array() && !errors.as_array().empty()) {
        const Json& first = errors.as_array().front();
        return first.string_or("message", first.string_or("code", ""));
    }
    for (const auto* key : {"message", "detail", "error", "error_description"}) {
        if (const auto text = json.string_or(key, ""); !text.empty()) return text;
    }
    return "";
}

std::string detail(const HttpResponse& response) {
    std::string text(trim(response.body));
    if (text.empty() || text.starts_with('<') ||
        to_lower(response.header("content-type")).find("html") != std::string::npos)
        return "";
    if (text.starts_with('{')) {
        const auto json = Json::parse(text);
        text = json ? message_in_json(*json) : "";
    }
    if (!is_valid_utf8(text)) return "";
    text = trim(text.substr(0, text.find_first_of("\r\n")));
    std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (text.size() > kDetailLength) {
        std::size_t end = kDetailLength;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
        text = text.substr(0, end) + "…";
    }
    return redact(text);
}

}  // namespace

Error http_error(std::string_view what, const HttpRequest& request, const HttpResponse& response) {
    const std::string host = request.unix_socket.empty() ? response.final_url.host() : request.unix_socket;
    std::string message = fmt::format("{}: {} answered {}{}", what, host, response.status, reason(response.status));
    if (const auto text = detail(response); !text.empty()) message += ": " + text;
    Error error(kind_of(response.status), std::move(message));
    if (response.status == 407) return std::move(error).with_hint("give the proxy's user and password in https_proxy");
    if (response.status >= 500 && request.unix_socket.empty())
        return std::move(error).with_hint("that server failed by itself: its own log says why; try again later");
    return error;
}

}  // namespace envbuild
