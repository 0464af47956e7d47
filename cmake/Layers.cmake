# The layers of src/ as libraries, and their tests.
#
# The link edges here say what a layer may use when it is linked; the edges of #include lines are checked by
# tools/check_layers.py against the table in ARCHITECTURE.md.

include(GoogleTest)

# dbb_layer(<name> [USES <layer>...] [LIBRARIES <target>...])
#
# Makes dbb_<name> from src/<name>/*.cc. A folder that is empty still makes an (interface) library, so that the
# layers above it can be linked at any time.
#
# Tests: src/<name>/*_test.cc become <name>_test (label "unit"), *_server_test.cc become <name>_server_test (label
# "server": they start private PostgreSQL clusters), *_bench.cc become <name>_bench, which nothing runs by itself.
#
# Fuzzing: each src/<name>/x_fuzz.cc becomes x_fuzz in the preset "fuzz" (docs/fuzzing.md); elsewhere all of them become
# <name>_fuzz_test, which runs the committed corpora through them.
function(dbb_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;LIBRARIES")
  set(folder ${PROJECT_SOURCE_DIR}/src/${name})
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cc)

  set(server_tests ${sources})
  list(FILTER server_tests INCLUDE REGEX "_server_test\\.cc$")
  set(unit_tests ${sources})
  list(FILTER unit_tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER unit_tests EXCLUDE REGEX "_server_test\\.cc$")
  set(benchmarks ${sources})
  list(FILTER benchmarks INCLUDE REGEX "_bench\\.cc$")
  set(fuzzers ${sources})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|_bench|_fuzz)\\.cc$")
  list(FILTER sources EXCLUDE REGEX "/cli/main\\.cc$")

  list(TRANSFORM arg_USES PREPEND dbb_)
  set(links dbb_compile_options fmt::fmt Threads::Threads ${arg_USES} ${arg_LIBRARIES})
  if(sources)
    add_library(dbb_${name} STATIC ${sources})
    target_link_libraries(dbb_${name} PUBLIC ${links})
  else()
    add_library(dbb_${name} INTERFACE)
    target_link_libraries(dbb_${name} INTERFACE ${links})
  endif()

  if(DBB_FUZZ)
    foreach(source IN LISTS fuzzers)
      get_filename_component(target ${source} NAME_WE)
      add_executable(${target} ${source})
      target_link_libraries(${target} PRIVATE dbb_${name})
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    endforeach()
  endif()
  if(DBB_TESTS)
    if(fuzzers)
      dbb_corpus_test(${name} ${fuzzers})
    endif()
    if(unit_tests)
      dbb_gtest(${name}_test LAYER ${name} LABEL unit TIMEOUT 120 SOURCES ${unit_tests})
    endif()
    if(server_tests)
      dbb_gtest(${name}_server_test LAYER ${name} LABEL server TIMEOUT 300 SOURCES ${server_tests})
    endif()
    if(benchmarks AND benchmark_FOUND)
      add_executable(${name}_bench EXCLUDE_FROM_ALL ${benchmarks})
      target_link_libraries(${name}_bench PRIVATE dbb_${name} benchmark::benchmark_main)
    endif()
  endif()
endfunction()

# The fuzz targets of a layer as one test: every function gets the name of its file, and a generated list names them all.
function(dbb_corpus_test layer)
  set(targets "")
  foreach(source IN LISTS ARGN)
    get_filename_component(target ${source} NAME_WE)
    set_source_files_properties(${source} PROPERTIES COMPILE_DEFINITIONS LLVMFuzzerTestOneInput=${target})
    string(APPEND targets "DBB_FUZZ_TARGET(${target})\n")
  endforeach()
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/${layer}_fuzz/fuzz_targets.inc CONTENT "${targets}")
  dbb_gtest(${layer}_fuzz_test LAYER ${layer} LABEL unit TIMEOUT 120
    SOURCES ${ARGN} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus_test.cc)
  target_include_directories(${layer}_fuzz_test PRIVATE ${PROJECT_BINARY_DIR}/${layer}_fuzz)
endfunction()

function(dbb_gtest target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LAYER;LABEL;TIMEOUT" "SOURCES")
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE dbb_${arg_LAYER} GTest::gmock GTest::gtest_main)
  if(arg_LABEL STREQUAL "server")
    target_link_libraries(${target} PRIVATE dbb_test_support)
  endif()
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${target} PRIVATE DBB_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  gtest_discover_tests(${target}
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    TEST_PREFIX "${arg_LAYER}."
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()

# Helpers of the tests (tests/support/): the private PostgreSQL cluster and the like. They may use what the layers up to
# postgres offer.
function(dbb_test_support)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/support/*.cc)
  if(sources)
    add_library(dbb_test_support STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(dbb_test_support INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(dbb_test_support ${scope} ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(dbb_test_support ${scope} dbb_compile_options dbb_postgres dbb_system dbb_base GTest::gtest)
endfunction()

# Every tests/support/*.c is a library that tests preload into the program: build/dev/lib<name>.so beside it. In C and
# without sanitizers, because it takes the place of functions of the C library.
function(dbb_preload_libraries)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/support/*.c)
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    add_library(${name} SHARED ${source})
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
    target_compile_options(${name} PRIVATE -Wall -Wextra -Werror -O1 -fno-sanitize=all)
    target_link_options(${name} PRIVATE -fno-sanitize=all)
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  endforeach()
endfunction()

# Every tests/e2e/test_*.py is one test: it runs the built program as a person does.
function(dbb_end_to_end_tests)
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/e2e/test_*.py)
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME_WE)
    string(REGEX REPLACE "^test_" "e2e." name ${name})
    add_test(NAME ${name} COMMAND /usr/bin/python3 -m unittest -v ${file} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES
      LABELS e2e TIMEOUT 1800 PROCESSORS 1
      ENVIRONMENT "DBBACKUP=$<TARGET_FILE:dbbackup>;PYTHONPATH=${PROJECT_SOURCE_DIR}/tests/e2e;PYTHONDONTWRITEBYTECODE=1")
  endforeach()
endfunction()
