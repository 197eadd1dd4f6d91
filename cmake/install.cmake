# `make install`: program, libraries, headers, pkg-config file, manual pages, completions.

# The pkg-config file finds its prefix from its own place, so an installed tree can be moved.
set(pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH SLK_PC_PREFIX "/prefix/${pc_dir}" "/prefix")
string(REGEX REPLACE "/$" "" SLK_PC_PREFIX "${SLK_PC_PREFIX}")
configure_file(cmake/selkie_proofs.pc.in selkie_proofs.pc @ONLY)

install(TARGETS selkie_proofs selkie_proofs_static)
install(DIRECTORY include/selkie TYPE INCLUDE)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/selkie_proofs.pc" DESTINATION "${pc_dir}")
install(TARGETS selkie)

# Manual pages and completions have one source, the command tables of the program.
set(man_dir "${CMAKE_BINARY_DIR}/man")
set(completion_dir "${CMAKE_BINARY_DIR}/completion")
set(pages "${man_dir}/selkie.1")
set(print_pages COMMAND selkie help --man > "${man_dir}/selkie.1")
foreach(noun ${SLK_NOUNS})
    list(APPEND pages "${man_dir}/selkie-${noun}.1")
    list(APPEND print_pages COMMAND selkie help --man ${noun} > "${man_dir}/selkie-${noun}.1")
endforeach()
file(MAKE_DIRECTORY "${man_dir}" "${completion_dir}")
add_custom_command(OUTPUT ${pages} ${print_pages} DEPENDS selkie VERBATIM COMMENT "Writing the manual pages")
add_custom_command(OUTPUT "${completion_dir}/selkie" "${completion_dir}/_selkie"
                   COMMAND selkie completion bash > "${completion_dir}/selkie"
                   COMMAND selkie completion zsh > "${completion_dir}/_selkie"
                   DEPENDS selkie VERBATIM COMMENT "Writing the shell completions")
add_custom_target(manual ALL DEPENDS ${pages} "${completion_dir}/selkie" "${completion_dir}/_selkie")
install(FILES ${pages} DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
install(FILES "${completion_dir}/selkie" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
install(FILES "${completion_dir}/_selkie" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
install(FILES LICENSE README.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
