# envbuild-install runs in any base image, whatever libc or shell that has or lacks: one static, stripped binary, made of the
# sources it needs and never of the network's. It stays plain when the rest is built with sanitizers.
find_library(CRYPTO_STATIC libcrypto.a REQUIRED)
find_library(ZSTD_STATIC libzstd.a REQUIRED)
find_library(BZIP2_STATIC libbz2.a REQUIRED)
find_library(ZLIB_STATIC libz.a REQUIRED)

file(GLOB link_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/link/*.cpp)
file(GLOB archive_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/conda/archive*.cpp)
file(GLOB install_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/install/*.cpp)
list(FILTER link_sources EXCLUDE REGEX "/(activation|shell)[^/]*\\.cpp$")

add_executable(envbuild_install ${install_sources} ${link_sources} ${archive_sources} conda/paths_json.cpp conda/index_json.cpp
  base/cancel.cpp base/credential_name.cpp base/digest.cpp base/error.cpp base/failpoint.cpp base/fs.cpp base/json.cpp base/parallel.cpp base/secret.cpp base/shown.cpp base/strings.cpp
  base/url.cpp base/zip_directory.cpp base/zip_stream.cpp)
set_target_properties(envbuild_install PROPERTIES OUTPUT_NAME envbuild-install)
target_include_directories(envbuild_install PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_options(envbuild_install PRIVATE -Os -ffunction-sections -fdata-sections -Wall -Wextra -Wpedantic -Werror -Wshadow)
target_link_options(envbuild_install PRIVATE -static -s -Wl,--gc-sections)
target_link_libraries(envbuild_install PRIVATE fmt::fmt-header-only ${CRYPTO_STATIC} ${ZSTD_STATIC} ${BZIP2_STATIC} ${ZLIB_STATIC})
