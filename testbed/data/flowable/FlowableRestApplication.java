package org.flowable.rest.app;

import org.flowable.engine.RepositoryService;
import org.flowable.idm.api.IdmIdentityService;
import org.flowable.idm.api.User;
import org.flowable.rest.security.BasicAuthenticationProvider;
import org.flowable.rest.security.SecurityConstants;
import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configuration.WebSecurityConfigurerAdapter;
import org.springframework.security.config.http.SessionCreationPolicy;

/**
 * Starts Flowable's engines and their REST API as the application in Flowable's own image does, under its name, since
 * an image that is built on top may call it: one user, basic authentication, and a demo deployment that is there before
 * anybody deploys anything.
 */
@SpringBootApplication(proxyBeanMethods = false)
public class FlowableRestApplication extends WebSecurityConfigurerAdapter {
  public static void main(String[] args) {
    SpringApplication.run(FlowableRestApplication.class, args);
  }

  @Override
  protected void configure(HttpSecurity http) throws Exception {
    http.authenticationProvider(getApplicationContext().getBean(BasicAuthenticationProvider.class))
        .sessionManagement().sessionCreationPolicy(SessionCreationPolicy.STATELESS)
        .and().csrf().disable()
        .authorizeRequests().anyRequest().hasAuthority(SecurityConstants.PRIVILEGE_ACCESS_REST_API)
        .and().httpBasic();
  }

  @Bean
  static BasicAuthenticationProvider users() {
    BasicAuthenticationProvider users = new BasicAuthenticationProvider();
    users.setVerifyRestApiPrivilege(true);
    return users;
  }

  /** Once the server listens, as in the original, so that for a moment nobody can log in. */
  @Bean
  @Order(1)
  static CommandLineRunner firstUser(IdmIdentityService identities) {
    return args -> {
      User admin = identities.newUser("rest-admin");
      admin.setFirstName("Rest");
      admin.setLastName("Admin");
      admin.setPassword("test");
      identities.saveUser(admin);
      for (String name : new String[] {SecurityConstants.PRIVILEGE_ACCESS_REST_API, SecurityConstants.ACCESS_ADMIN}) {
        identities.addUserPrivilegeMapping(identities.createPrivilege(name).getId(), admin.getId());
      }
    };
  }

  @Bean
  @Order(2)
  static CommandLineRunner demo(RepositoryService repository) {
    return args -> repository.createDeployment().name("Demo processes").addClasspathResource("demo.bpmn20.xml").deploy();
  }
}
